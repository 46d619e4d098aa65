-- Episodes of all URLs at once, equal to graphs/episodes.py and graphs/rotation.py.
--
-- Tables: looks(url, seq, seen_at, state, down, cause, attr), where seq grows with time within a URL, down is a confirmed
-- absence, cause a number below 16, and attr, below 2 to the 32nd, names a row of attrs or is null; known(url,
-- known_up_at, reports), reports sorted; attrs(attr, hosters, proxy, addresses, address_hosters), hosters never empty.
-- Times are whole microseconds. Parameters: until, leave, soon, late, returns; moved, masked and lineage are numbers of
-- causes. A row without a hoster names a URL whose looks at one instant name different hosters: their order decides, so
-- the caller walks through it.
--
-- Most URLs answer alike and then go, or are gone: first and last times of their answers tell all, and no look is sorted.
-- The looks of the others are sorted and put together to islands: runs of decided looks with one answer. The rules then
-- work on islands; single looks are asked for again only where a hoster was left.
WITH
told AS NOT MATERIALIZED (
    -- the answer of a look: who answered, and of an absence its cause too; an undecided look has none
    SELECT url, seq, seen_at, kind,
        CASE
            WHEN kind = 2 THEN coalesce(cause, 0) * 4294967296 + coalesce(attr, -1) + 1
            WHEN kind = 0 THEN 0
            ELSE attr
        END AS answer
    FROM (
        SELECT url, seq, seen_at, cause, attr,
            CASE
                WHEN down THEN 2                                        -- known absent
                WHEN state <> 'up' OR state IS NULL OR attr IS NULL THEN 0  -- undecided
                WHEN seen_at <= $until THEN 1                           -- up
                ELSE 3                                                  -- up, too young to open or prolong anything
            END AS kind
        FROM looks
    )
),
grouped AS (
    -- kind and answer as one number: a second key and a second pair of times would cost a third more
    SELECT url, told // 1099511627776 AS kind, told % 1099511627776 AS answer, first_at, last_at, n
    FROM (
        SELECT url, kind * 1099511627776 + answer AS told, min(seen_at) AS first_at, max(seen_at) AS last_at, count(*) AS n
        FROM told
        GROUP BY ALL
    )
),
by_url AS MATERIALIZED (
    SELECT url,
        max(answer) FILTER (kind = 1) AS attr, count(*) FILTER (kind = 1) AS up_answers,
        min(first_at) FILTER (kind = 1) AS up_from, max(last_at) FILTER (kind = 1) AS up_to,
        CAST(coalesce(sum(n) FILTER (kind = 1), 0) AS BIGINT) AS ups,
        max(answer) FILTER (kind = 2) AS absence, count(*) FILTER (kind = 2) AS absences,
        min(first_at) FILTER (kind = 2) AS down_at,
        bool_or(kind = 3) AS young,
        max(last_at) FILTER (kind <> 0) AS end_at,
        min(first_at) FILTER (kind = 0) AS asked_from, max(last_at) FILTER (kind = 0) AS asked_to,
        CAST(coalesce(sum(n) FILTER (kind = 0), 0) AS BIGINT) AS unknown,
        CAST(coalesce(sum(n) FILTER (kind <> 0), 0) AS BIGINT) AS decided
    FROM grouped
    GROUP BY url
),
hosts AS MATERIALIZED (
    SELECT attr, hosters[place] AS hoster, place, proxy
    FROM (SELECT attr, hosters, proxy, unnest(generate_series(1, array_length(hosters))) AS place FROM attrs)
),
mixed AS MATERIALIZED (
    -- where order matters beyond first and last; whatever falls on one instant counts as that too
    SELECT url, end_at, decided, unknown
    FROM by_url
    WHERE up_answers > 1 OR absences > 1 OR down_at <= up_to OR (up_answers = 0 AND young)
        OR (asked_from <= down_at AND asked_to >= down_at)
        OR (asked_from <= up_from AND asked_to >= up_from AND attr IN (SELECT attr FROM hosts WHERE place > 1))
),
counted AS (
    SELECT url, seq, seen_at, kind, answer, row_number() OVER (PARTITION BY url ORDER BY seq) AS nth
    FROM told
    WHERE url IN (SELECT url FROM mixed)
),
decided AS MATERIALIZED (
    SELECT url, seq, seen_at, kind, answer,
        row_number() OVER before AS number,
        nth - number AS unknown,
        lag(kind) OVER before AS kind_before,
        lag(answer) OVER before AS answer_before,
        lag(seen_at) OVER before AS decided_at
    FROM counted
    WHERE kind <> 0
    WINDOW before AS (PARTITION BY url ORDER BY seq)
),
placed AS MATERIALIZED (
    SELECT b.url, b.answer, b.seen_at AS first_at, b.decided_at, b.kind_before,
        b.number - 1 AS before, b.unknown AS unknown_before,
        row_number() OVER its AS idx,
        CASE
            WHEN b.kind_before IS NULL AND b.kind = 3 THEN 1        -- the first decided look of all opens whatever its age
            WHEN b.kind = 2 AND b.kind_before = 2 THEN 4            -- an absence goes on, for another cause
            ELSE b.kind
        END AS kind,
        CASE
            WHEN b.kind_before IS NULL AND b.kind = 3 THEN b.seen_at
            ELSE lead(b.decided_at, 1, m.end_at) OVER its
        END AS last_at,
        -- the number of this island's last look
        CASE
            WHEN b.kind_before IS NULL AND b.kind = 3 THEN 1
            ELSE lead(b.number - 1, 1, m.decided) OVER its
        END AS number,
        -- absences so far, an absence's own included
        count(CASE WHEN b.kind = 2 AND b.kind_before IS DISTINCT FROM 2 THEN 1 END) OVER (
            PARTITION BY b.url ORDER BY b.seq ROWS UNBOUNDED PRECEDING
        ) AS stretch
    FROM decided AS b
    JOIN mixed AS m ON m.url = b.url
    -- where the answer changes, a run begins, and the one before it has ended
    WHERE b.kind_before IS NULL OR b.kind <> b.kind_before OR b.answer <> b.answer_before
    WINDOW its AS (PARTITION BY b.url ORDER BY b.seq)
),
tied AS MATERIALIZED (
    SELECT DISTINCT url FROM placed WHERE kind IN (1, 3) AND kind_before IN (1, 3) AND first_at <= decided_at
),
islands AS MATERIALIZED (
    SELECT * FROM placed WHERE url NOT IN (FROM tied)
),
downs AS MATERIALIZED (
    SELECT url, stretch, idx, first_at, unknown_before, answer // 4294967296 AS cause, answer % 4294967296 - 1 AS attr
    FROM islands
    WHERE kind = 2
),
stretches AS MATERIALIZED (
    SELECT url, stretch, min(idx) AS first_idx, max(number) AS number, count(*) AS islands
    FROM islands
    WHERE kind = 1
    GROUP BY ALL
),
-- Names whose answer changes while they are up: each hoster's presences, and the gaps between them.
moving AS MATERIALIZED (
    SELECT DISTINCT url FROM stretches WHERE islands > 1
),
present AS (
    SELECT i.url, i.stretch, i.idx, i.kind, i.answer, i.first_at, i.last_at, i.decided_at, i.number,
        i.before, i.unknown_before, h.hoster, h.place, h.proxy
    FROM islands AS i
    JOIN hosts AS h ON h.attr = i.answer
    WHERE i.kind IN (1, 3) AND i.url IN (FROM moving)
),
chained AS MATERIALIZED (
    SELECT *, lead(idx) OVER its AS next_idx, lead(first_at) OVER its AS found_at, lead(before) OVER its AS next_before
    FROM present
    WINDOW its AS (PARTITION BY url, stretch, hoster ORDER BY idx)
),
rotating AS (
    SELECT url
    FROM chained
    WHERE next_idx > idx + 1 AND found_at - last_at <= $soon
    GROUP BY url
    HAVING count(*) >= $returns
),
gaps AS MATERIALIZED (
    SELECT c.url, c.stretch, c.hoster, c.idx, c.next_idx, c.answer, c.number, c.proxy, c.last_at + $late AS expires,
        CASE
            WHEN least(coalesce(c.next_before, s.number), s.number) - c.number < $leave THEN 'never'
            WHEN c.found_at - c.last_at <= CASE WHEN r.url IS NULL THEN $soon ELSE $late END THEN 'never'
            WHEN c.found_at IS NULL AND r.url IS NOT NULL THEN 'late'
            ELSE 'now'
        END AS leaves
    FROM chained AS c
    JOIN stretches AS s ON s.url = c.url AND s.stretch = c.stretch
    LEFT JOIN rotating AS r ON r.url = c.url
    WHERE c.kind = 1 AND least(coalesce(c.next_before, s.number), s.number) > c.number
),
zipped AS (
    SELECT attr, addresses[place] AS address, address_hosters[place] AS keys
    FROM (
        SELECT attr, addresses, address_hosters, unnest(generate_series(1, array_length(addresses))) AS place
        FROM attrs
        WHERE array_length(addresses) > 0
    )
),
held AS (SELECT attr, address, unnest(string_split(keys, '+')) AS hoster FROM zipped),
inherited AS (
    SELECT DISTINCT held.attr, held.hoster, zipped.attr AS later_attr
    FROM held
    JOIN zipped ON zipped.address = held.address
),
handed AS MATERIALIZED (
    -- answers in which a hoster's address is another's, and the hoster is not: who removed what was first seen gone then?
    SELECT i.attr, i.hoster, i.later_attr
    FROM inherited AS i
    WHERE NOT EXISTS (SELECT 1 FROM hosts AS h WHERE h.attr = i.later_attr AND h.hoster = i.hoster)
),
without AS (
    SELECT g.url, g.stretch, g.hoster, g.idx,
        min(i.first_at) AS since,
        max(i.last_at) AS last_without,
        arg_min(a.proxy, i.idx) AS first_proxy,
        min(i.before - g.number + 1) FILTER (h.attr IS NOT NULL) AS lineage_look,
        min(i.first_at) FILTER (h.attr IS NOT NULL) AS lineage_at,
        arg_min(i.decided_at, i.idx) FILTER (h.attr IS NOT NULL) AS before_lineage
    FROM gaps AS g
    JOIN islands AS i ON i.url = g.url AND i.stretch = g.stretch AND i.kind = 1
        AND i.idx > g.idx AND (g.next_idx IS NULL OR i.idx < g.next_idx)
    JOIN attrs AS a ON a.attr = i.answer
    LEFT JOIN inherited AS h ON h.attr = g.answer AND h.hoster = g.hoster AND h.later_attr = i.answer
    GROUP BY ALL
),
judged AS (
    SELECT g.*, w.since, w.last_without, w.first_proxy, w.lineage_look, w.lineage_at,
        w.lineage_look IS NOT NULL AND coalesce(
            w.lineage_look <= $leave OR g.leaves = 'never' OR (g.leaves = 'late' AND w.before_lineage <= g.expires), false
        ) AS by_lineage
    FROM gaps AS g
    JOIN without AS w ON w.url = g.url AND w.stretch = g.stretch AND w.hoster = g.hoster AND w.idx = g.idx
),
broken AS MATERIALIZED (
    SELECT url, stretch, hoster, idx, number,
        CASE WHEN by_lineage THEN lineage_at ELSE since END AS left_at,
        CASE WHEN by_lineage THEN $lineage WHEN first_proxy AND NOT proxy THEN $masked ELSE $moved END AS cause,
        CASE WHEN by_lineage THEN lineage_look ELSE $leave END AS looks,
        CASE WHEN leaves = 'late' AND NOT by_lineage THEN expires END AS after
    FROM judged
    WHERE by_lineage OR leaves = 'now' OR (leaves = 'late' AND last_without > expires)
),
-- The look at which a leaving was certain: until then the episode counts looks.
settled AS MATERIALIZED (
    SELECT b.url, b.stretch, b.hoster, b.idx, b.left_at, b.cause, d.number, d.unknown
    FROM broken AS b
    JOIN decided AS d ON d.url = b.url AND d.number = b.number + b.looks
    WHERE d.kind = 1 AND b.after IS NULL
    UNION ALL
    SELECT b.url, b.stretch, b.hoster, b.idx, b.left_at, b.cause, min(d.number), min(d.unknown)
    FROM broken AS b
    JOIN decided AS d ON d.url = b.url AND d.number >= b.number + b.looks AND d.seen_at > b.after
    WHERE d.kind = 1
    GROUP BY ALL
),
parts AS (
    SELECT c.*, s.left_at, s.cause, s.number AS settled_number, s.unknown AS settled_unknown,
        count(s.left_at) OVER (
            PARTITION BY c.url, c.stretch, c.hoster ORDER BY c.idx ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS part
    FROM chained AS c
    LEFT JOIN settled AS s ON s.url = c.url AND s.stretch = c.stretch AND s.hoster = c.hoster AND s.idx = c.idx
    WHERE c.kind = 1
),
stays AS (
    SELECT url, stretch, hoster, arg_min(place, idx) AS place, min(idx) AS idx, arg_min(answer, idx) AS attr,
        arg_max(answer, idx) AS latest,
        min(first_at) AS first_at, max(last_at) AS last_at, arg_min(coalesce(decided_at, -1), idx) AS decided,
        min(before) AS before, arg_min(unknown_before, idx) AS unknown_before,
        any_value(left_at) AS left_at, any_value(cause) AS left_cause,
        any_value(settled_number) AS settled_number, any_value(settled_unknown) AS settled_unknown
    FROM parts
    GROUP BY url, stretch, hoster, part
    UNION ALL
    SELECT i.url, i.stretch, h.hoster, h.place, i.idx, i.answer, i.answer, i.first_at, i.last_at, coalesce(i.decided_at, -1),
        i.before, i.unknown_before, NULL, NULL, NULL, NULL
    FROM islands AS i
    JOIN hosts AS h ON h.attr = i.answer
    WHERE i.kind = 1 AND i.url NOT IN (FROM moving)
),
closed AS (
    SELECT t.url, t.hoster, t.attr, t.first_at, t.last_at,
        CASE WHEN t.idx > 1 THEN t.decided END AS absent_at,
        t.first_at AS first_up,
        coalesce(t.left_at, d.first_at) AS down_at,
        CASE WHEN t.left_at IS NOT NULL THEN t.left_cause WHEN o.attr IS NOT NULL THEN $lineage ELSE d.cause END AS cause,
        coalesce(t.settled_number, s.number) - t.before AS ups,
        coalesce(t.settled_unknown, d.unknown_before, m.unknown) - t.unknown_before
            -- what nothing open could count goes to the first that opens; an absence that opened nothing took none
            + CASE
                WHEN t.idx > s.first_idx OR t.place > 1 THEN 0
                WHEN b.url IS NULL OR (b.idx = 1 AND b.attr < 0) THEN t.unknown_before
                ELSE t.unknown_before - b.unknown_before
            END AS unknown
    FROM stays AS t
    JOIN stretches AS s ON s.url = t.url AND s.stretch = t.stretch
    JOIN mixed AS m ON m.url = t.url
    LEFT JOIN downs AS d ON d.url = t.url AND d.stretch = t.stretch + 1
    LEFT JOIN downs AS b ON b.url = t.url AND b.stretch = t.stretch
    LEFT JOIN handed AS o ON o.attr = t.latest AND o.hoster = t.hoster AND o.later_attr = d.attr
    UNION ALL
    -- down at our first decided look: the report knew it up before
    SELECT d.url, h.hoster, d.attr, NULL, NULL, NULL, NULL, d.first_at, d.cause, 1,
        CASE WHEN h.place = 1 THEN d.unknown_before ELSE 0 END
    FROM downs AS d
    JOIN hosts AS h ON h.attr = d.attr
    WHERE d.idx = 1
    UNION ALL
    -- up with one answer, then gone or still there; then gone at the first decided look and ever after
    SELECT u.url, h.hoster, u.attr, u.up_from, u.up_to, NULL, u.up_from, u.down_at,
        CASE WHEN o.attr IS NULL THEN u.absence // 4294967296 ELSE $lineage END, u.ups,
        CASE WHEN u.asked_from > u.down_at OR (h.place > 1 AND u.asked_to < u.up_from) THEN 0 ELSE u.unknown END
    FROM by_url AS u
    JOIN hosts AS h ON h.attr = u.attr
    LEFT JOIN handed AS o ON o.attr = u.attr AND o.hoster = h.hoster AND o.later_attr = u.absence % 4294967296 - 1
    WHERE u.url NOT IN (SELECT url FROM mixed)
    UNION ALL
    SELECT u.url, h.hoster, h.attr, NULL, NULL, NULL, NULL, u.down_at, u.absence // 4294967296, 1,
        CASE WHEN u.asked_from > u.down_at OR h.place > 1 THEN 0 ELSE u.unknown END
    FROM by_url AS u
    JOIN hosts AS h ON h.attr = u.absence % 4294967296 - 1
    WHERE u.up_answers = 0 AND u.url NOT IN (SELECT url FROM mixed)
),
dated AS (
    SELECT c.*, k.reports,
        CASE
            WHEN c.first_at IS NULL THEN k.known_up_at
            WHEN c.absent_at IS NULL THEN least(k.known_up_at, c.first_at)
            ELSE coalesce(list_filter(k.reports, lambda r: c.absent_at < r AND r < c.first_at)[1], c.first_at)
        END AS known_up_at,
        CASE WHEN c.down_at <= $until THEN c.down_at END AS first_down
    FROM closed AS c
    JOIN known AS k ON k.url = c.url
)
SELECT url, hoster, attr, known_up_at,
    list_filter(
        reports, lambda r: (absent_at IS NULL OR r > absent_at) AND (first_down IS NULL OR r < first_down)
    )[1] AS reported_at,
    absent_at, first_up,
    CASE
        WHEN first_down IS NOT NULL THEN coalesce(last_at, known_up_at)
        ELSE least(coalesce(last_at, known_up_at), greatest($until, known_up_at))
    END AS last_up,
    first_down,
    CASE WHEN first_down IS NOT NULL THEN cause END AS cause,
    CAST(ups + unknown AS BIGINT) AS looks,
    CAST(unknown AS BIGINT) AS unknown_looks
FROM dated
UNION ALL
SELECT url, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM tied
