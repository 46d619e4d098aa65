-- Hops of all contents at once, equal to graphs/hops.py and graphs/losses.py.
--
-- Tables: episodes(ep, url, hoster, attr, known_up_at, absent_at, last_up, first_down, cause), ep a number of its own;
-- contents(url, content, label, site), numbers, label null where it is not known; attrs(attr, proxy, addresses, prefixes,
-- origins, countries); seats(hoster, country); redirects(old_url, new_url). URLs are numbered in the order of their ids.
-- Times are whole microseconds. Parameters: home; reach; moved, masked, lost and lineage are numbers of causes.
WITH
shared AS (
    -- contents with one episode have no hop
    SELECT c.content
    FROM episodes AS e
    JOIN contents AS c ON c.url = e.url
    GROUP BY c.content
    HAVING count(*) > 1
),
placed AS MATERIALIZED (
    SELECT e.ep, c.content, e.url, c.label, c.site, e.hoster, e.attr, e.known_up_at AS up_at, e.absent_at, e.last_up,
        e.first_down AS down_at, e.cause IS NOT DISTINCT FROM $moved AS moved, a.proxy,
        e.first_down IS NOT NULL AND NOT a.proxy
            AND coalesce(e.cause NOT IN ($masked, $lost, $lineage), false) AS loss
    FROM episodes AS e
    JOIN contents AS c ON c.url = e.url
    JOIN attrs AS a ON a.attr = e.attr
    WHERE c.content IN (FROM shared)
),
-- Gains: the content was not up at that hoster just then.
gains AS MATERIALIZED (
    SELECT *
    FROM (
        SELECT *,
            max(coalesce(down_at, 9223372036854775807)) OVER (
                PARTITION BY content, hoster ORDER BY up_at RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS there_until,
            max(up_at) OVER (
                PARTITION BY url ORDER BY up_at RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS own_up_at,
            max(coalesce(down_at, 9223372036854775807)) OVER (
                PARTITION BY url, hoster ORDER BY up_at RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) AS own_there_until,
            row_number() OVER (PARTITION BY url ORDER BY up_at, hoster, last_up) AS place
        FROM placed
    )
    WHERE NOT proxy AND coalesce(there_until <= up_at, true)
),
-- A URL that was up before: of its ended episodes the one whose end is nearest in time.
own AS (
    SELECT ep, 'own' AS way, 1 AS sources, own_there_until AS until_there, own_up_at,
        CASE
            WHEN gone.down_at IS NULL THEN later.ep
            WHEN later.down_at - up_at < up_at - gone.down_at THEN later.ep
            ELSE gone.ep
        END AS left_ep
    FROM (
        SELECT g.ep, g.up_at, any_value(g.own_there_until) AS own_there_until,
            any_value(g.own_up_at) AS own_up_at,
            max({'down_at': p.down_at, 'up_at': p.up_at, 'hoster': p.hoster, 'last_up': p.last_up, 'ep': p.ep})
                FILTER (p.down_at <= g.up_at) AS gone,
            min({'down_at': p.down_at, 'up_at': p.up_at, 'hoster': p.hoster, 'last_up': p.last_up, 'ep': p.ep})
                FILTER (p.down_at > g.up_at AND p.moved AND g.last_up >= p.down_at) AS later
        FROM gains AS g
        JOIN placed AS p ON p.url = g.url AND p.up_at < g.up_at AND p.down_at IS NOT NULL
        GROUP BY g.ep, g.up_at
    )
),
-- A new URL: losses of its content, of its label within that, and of URLs that redirect to it.
new AS MATERIALIZED (
    SELECT ep, content, url, label, hoster, up_at FROM gains WHERE own_up_at IS NULL AND place = 1
),
losses AS (
    SELECT ep, content, url, -1 AS label, hoster, up_at, down_at, last_up FROM placed WHERE loss
    UNION ALL
    SELECT ep, content, url, label, hoster, up_at, down_at, last_up FROM placed WHERE loss AND label IS NOT NULL
),
ended AS MATERIALIZED (
    SELECT *, row_number() OVER (
        PARTITION BY content, label ORDER BY down_at, up_at, url, hoster, last_up
    ) AS turn
    FROM losses
),
moments AS (
    SELECT content, label, down_at AS moment, turn, NULL AS ep, NULL AS hoster FROM ended
    UNION ALL
    SELECT content, scope, up_at, NULL, ep, hoster
    FROM (SELECT ep, content, hoster, up_at, unnest([-1, label]) AS scope FROM new)
    WHERE scope IS NOT NULL
),
asked AS (
    -- turn: that of the last loss at or before the arrival
    SELECT ep, content, hoster, moment AS up_at, label, coalesce(turn, 0) AS turn
    FROM (
        SELECT content, label, moment, ep, hoster, max(turn) OVER (PARTITION BY content, label ORDER BY moment) AS turn
        FROM moments
    )
    WHERE ep IS NOT NULL
),
led AS (
    SELECT n.ep, n.hoster, n.up_at, l.ep AS left_ep, l.hoster AS left_hoster, l.up_at AS left_up_at, l.down_at, l.turn,
        row_number() OVER (PARTITION BY n.ep ORDER BY l.turn)
            - count(CASE WHEN l.down_at <= n.up_at THEN 1 END) OVER (PARTITION BY n.ep) AS step
    FROM new AS n
    JOIN redirects AS r ON r.new_url = n.url
    JOIN ended AS l ON l.url = r.old_url AND l.content = n.content AND l.label = -1
),
near AS (
    -- step: how many losses before or after the arrival; the last one before it is 0
    SELECT ep, hoster, up_at, left_ep, left_hoster, left_up_at, down_at, turn, step, 0 AS surer, 'redirect' AS way FROM led
    UNION ALL
    SELECT a.ep, a.hoster, a.up_at, l.ep, l.hoster, l.up_at, l.down_at, l.turn, l.turn - a.turn,
        CASE WHEN a.label < 0 THEN 2 ELSE 1 END, 'other'
    FROM asked AS a
    JOIN ended AS l ON l.content = a.content AND l.label = a.label
        AND l.turn > a.turn - $reach AND l.turn <= a.turn + $reach
),
nearest AS (
    SELECT ep, surer, any_value(way) AS way,
        CASE
            WHEN bool_or(step <= 0)
                AND coalesce(
                    any_value(up_at) - max(down_at) FILTER (step <= 0)
                        <= min(down_at) FILTER (step > 0) - any_value(up_at),
                    true
                )
            THEN arg_max(left_ep, turn) FILTER (step <= 0)
            ELSE arg_min(left_ep, turn) FILTER (step > 0)
        END AS left_ep,
        count(DISTINCT left_hoster) AS sources,
        bool_or(step <= 0) AS known_gone
    FROM near
    WHERE left_hoster <> hoster AND step > -$reach AND step <= $reach AND (step <= 0 OR left_up_at < up_at)
    GROUP BY ep, surer
),
found AS (
    SELECT ep, left_ep, way, sources, false AS known_gone, until_there, own_up_at FROM own
    UNION ALL
    SELECT ep, arg_min(left_ep, surer), arg_min(way, surer), arg_min(sources, surer), arg_min(known_gone, surer),
        NULL, NULL
    FROM nearest
    GROUP BY ep
),
pairs AS (
    SELECT f.left_ep, f.ep, f.way, f.sources, f.known_gone, o.attr AS left_attr, n.attr, o.hoster AS left_hoster, n.hoster,
        n.up_at <= o.last_up AS met, o.moved,
        coalesce(n.absent_at >= o.down_at, false) AS known_away,
        coalesce(o.label = n.label AND o.site <> n.site, false) AS renamed
    FROM found AS f
    JOIN placed AS o ON o.ep = f.left_ep
    JOIN placed AS n ON n.ep = f.ep
    WHERE f.way <> 'own' OR (
        o.loss AND o.hoster <> n.hoster
        -- a place after which the URL was seen first at another was left for that one
        AND f.own_up_at <= o.last_up
        -- a name at several places by turns that was lost at all of them is back at one: it left none for another
        AND coalesce(f.until_there < o.down_at, true)
    )
),
located AS (
    SELECT p.*,
        a.addresses AS left_addresses, a.prefixes AS left_prefixes, a.origins AS left_origins, a.countries AS left_countries,
        b.addresses, b.prefixes, b.origins, b.countries,
        CASE WHEN array_length(a.countries) > 0 THEN list_contains(a.countries, $home) ELSE coalesce(s.country = $home, false) END
            <> CASE WHEN array_length(b.countries) > 0 THEN list_contains(b.countries, $home) ELSE coalesce(t.country = $home, false) END
            AS home_abroad
    FROM pairs AS p
    JOIN attrs AS a ON a.attr = p.left_attr
    JOIN attrs AS b ON b.attr = p.attr
    LEFT JOIN seats AS s ON s.hoster = p.left_hoster
    LEFT JOIN seats AS t ON t.hoster = p.hoster
)
SELECT left_ep, ep, sources,
    CASE
        WHEN way = 'own' THEN CASE WHEN moved AND NOT known_away THEN 'relocation' ELSE 'reappearance' END
        WHEN way = 'redirect' THEN way
        WHEN renamed THEN 'tld'
        ELSE 'copy'
    END AS kind,
    CASE
        WHEN known_away THEN 'sequential'
        WHEN way = 'own' AND moved THEN 'repointed'
        WHEN met AND NOT known_gone THEN 'parallel'
        ELSE 'unknown'
    END AS "order",
    list_filter(
        [
            CASE WHEN array_length(left_addresses) > 0 AND array_length(addresses) > 0 AND NOT list_has_any(left_addresses, addresses)
                THEN 'address' END,
            CASE WHEN array_length(left_prefixes) > 0 AND array_length(prefixes) > 0 AND NOT list_has_any(left_prefixes, prefixes)
                THEN 'prefix' END,
            CASE WHEN array_length(left_origins) > 0 AND array_length(origins) > 0 AND NOT list_has_any(left_origins, origins) THEN 'as' END,
            CASE WHEN left_hoster <> hoster THEN 'organisation' END,
            CASE WHEN array_length(left_countries) > 0 AND array_length(countries) > 0 AND NOT list_has_any(left_countries, countries)
                THEN 'country' END,
            CASE WHEN home_abroad THEN 'home_abroad' END,
            CASE WHEN renamed THEN 'tld' END
        ],
        lambda level: level IS NOT NULL
    ) AS levels
FROM located
