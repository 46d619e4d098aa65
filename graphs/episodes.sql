-- Episodes of all URLs at once, equal to graphs/episodes.py and graphs/rotation.py.
--
-- Tables: looks(url, seq, seen_at, state, down, cause, attr), where seq grows with time within a URL, down is a confirmed
-- absence, cause a number, and attr names a row of attrs or is null; known(url, known_up_at, reports), reports sorted;
-- attrs(attr, hosters, proxy, addresses, address_hosters), hosters never empty. Times are whole microseconds.
-- Parameters: until, leave, soon, late, returns; moved, masked and lineage are numbers of causes.
-- A row without a hoster names a URL whose looks at one instant name different hosters: their order decides, so the
-- caller walks through it.
--
-- Looks are first put together to islands: runs of decided looks with one answer. All rules then work on islands; single
-- looks are asked for again only where a hoster was left.
WITH
told AS NOT MATERIALIZED (
    -- the answer of a look: who answered, and of an absence its cause too
    SELECT url, seq, seen_at, kind,
        CASE WHEN kind = 2 THEN coalesce(cause, 0) * 4294967296 + coalesce(attr, -1) + 1 ELSE attr END AS answer
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
-- Most URLs answer alike, then go: there, runs need no sorting of looks, since the groups do not interleave.
grouped AS (
    SELECT url, kind, answer,
        min(seq) AS first_seq, max(seq) AS last_seq, min(seen_at) AS first_at, max(seen_at) AS last_at, count(*) AS n
    FROM told
    WHERE kind <> 0
    GROUP BY url, kind, answer
),
numbered AS MATERIALIZED (
    SELECT *,
        row_number() OVER before AS idx,
        lag(last_seq) OVER before > first_seq AS interleaves,
        lag(last_at) OVER before AS decided_at,
        lag(kind) OVER before AS kind_before,
        lead(first_seq) OVER before AS next_seq
    FROM grouped
    WINDOW before AS (PARTITION BY url ORDER BY first_seq)
),
varied AS MATERIALIZED (
    SELECT url, bool_or(interleaves) AS mixed, max(last_seq) AS end_seq, max(last_at) AS end_at
    FROM numbered
    GROUP BY url
    HAVING mixed OR count(*) FILTER (kind = 1) > 1
),
-- Single looks are needed where names answer this and that, and where looks were undecided.
kept AS MATERIALIZED (
    SELECT url, seq, seen_at, kind, answer FROM told WHERE kind = 0 OR url IN (SELECT url FROM varied)
),
mixed AS MATERIALIZED (
    SELECT url, end_seq, end_at FROM varied WHERE mixed
),
-- Where groups interleave, looks are sorted: where the answer changes, a run begins, and the one before it has ended.
sorted AS (
    SELECT url, seq, seen_at, kind, answer,
        row_number() OVER before AS look,
        lag(kind) OVER before AS kind_before,
        lag(answer) OVER before AS answer_before,
        lag(seq) OVER before AS seq_before,
        lag(seen_at) OVER before AS decided_at,
        count(*) OVER (PARTITION BY url) AS looks
    FROM kept
    WHERE kind <> 0 AND url IN (SELECT url FROM mixed)
    WINDOW before AS (PARTITION BY url ORDER BY seq)
    QUALIFY look = 1 OR kind <> kind_before OR answer <> answer_before
),
runs AS (
    SELECT url, idx, kind, answer, n, first_seq, last_seq, first_at, last_at, decided_at, kind_before, next_seq
    FROM numbered
    WHERE url NOT IN (SELECT url FROM mixed)
    UNION ALL
    SELECT s.url, row_number() OVER before, s.kind, s.answer,
        lead(s.look, 1, s.looks + 1) OVER before - s.look,
        s.seq, lead(s.seq_before, 1, m.end_seq) OVER before,
        s.seen_at, lead(s.decided_at, 1, m.end_at) OVER before,
        s.decided_at, s.kind_before, lead(s.seq) OVER before
    FROM sorted AS s
    JOIN mixed AS m ON m.url = s.url
    WINDOW before AS (PARTITION BY s.url ORDER BY s.seq)
),
placed AS MATERIALIZED (
    -- the first decided look of all opens whatever its age
    SELECT url, idx, answer, first_seq, last_seq, first_at, decided_at, next_seq,
        kind IN (1, 3) AND kind_before IN (1, 3) AND first_at <= decided_at AS tied,
        CASE
            WHEN idx = 1 AND kind = 3 THEN 1
            WHEN kind = 2 AND kind_before = 2 THEN 4                -- an absence goes on, for another cause
            ELSE kind
        END AS kind,
        CASE WHEN idx = 1 AND kind = 3 THEN 1 ELSE n END AS n,
        CASE WHEN idx = 1 AND kind = 3 THEN first_at ELSE last_at END AS last_at
    FROM runs
),
tied AS MATERIALIZED (
    SELECT DISTINCT url FROM placed WHERE tied
),
undecided AS MATERIALIZED (
    SELECT p.url, p.idx,
        count(*) FILTER (t.seq > p.first_seq) AS asked,
        count(*) FILTER (t.seq < p.first_seq) AS asked_before
    FROM kept AS t
    JOIN placed AS p ON p.url = t.url
        AND (t.seq > p.first_seq OR p.idx = 1)
        AND (p.next_seq IS NULL OR t.seq < p.next_seq)
    WHERE t.kind = 0
    GROUP BY ALL
),
islands AS MATERIALIZED (
    SELECT p.url, p.idx, p.kind, p.answer, p.n, p.first_seq, p.last_seq, p.first_at, p.last_at, p.decided_at,
        -- absences so far, an absence's own included
        count(*) FILTER (p.kind = 2) OVER so_far AS stretch,
        -- looks that saw it up, to the end of this island; undecided looks before it
        coalesce(sum(p.n) FILTER (p.kind = 1) OVER so_far, 0) AS ups,
        coalesce(sum(u.asked + u.asked_before) OVER so_far, 0) - coalesce(u.asked, 0) AS unknown_before
    FROM placed AS p
    LEFT JOIN undecided AS u ON u.url = p.url AND u.idx = p.idx
    WHERE p.url NOT IN (FROM tied)
    WINDOW so_far AS (PARTITION BY p.url ORDER BY p.idx ROWS UNBOUNDED PRECEDING)
),
downs AS MATERIALIZED (
    SELECT url, stretch, idx, first_at, unknown_before, answer // 4294967296 AS cause, answer % 4294967296 - 1 AS attr
    FROM islands
    WHERE kind = 2
),
hosts AS (
    SELECT attr, unnest(hosters) AS hoster, generate_subscripts(hosters, 1) AS place, proxy FROM attrs
),
stretches AS MATERIALIZED (
    SELECT url, stretch, min(idx) AS first_idx, max(ups) AS ups, count(*) AS islands
    FROM islands
    WHERE kind = 1
    GROUP BY ALL
),
-- Names whose answer changes while they are up: each hoster's presences, and the gaps between them.
moving AS MATERIALIZED (
    SELECT DISTINCT url FROM stretches WHERE islands > 1
),
present AS (
    SELECT i.url, i.stretch, i.idx, i.kind, i.answer, i.first_seq, i.last_seq, i.first_at, i.last_at, i.decided_at, i.ups,
        i.ups - CASE WHEN i.kind = 1 THEN i.n ELSE 0 END AS ups_before, i.unknown_before, h.hoster, h.place, h.proxy
    FROM islands AS i
    JOIN hosts AS h ON h.attr = i.answer
    WHERE i.kind IN (1, 3) AND i.url IN (FROM moving)
),
chained AS MATERIALIZED (
    SELECT *, lead(idx) OVER its AS next_idx, lead(first_at) OVER its AS found_at, lead(ups_before) OVER its AS next_ups
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
    SELECT c.url, c.stretch, c.hoster, c.idx, c.next_idx, c.answer, c.first_seq, c.last_seq, c.ups, c.unknown_before,
        c.last_at, c.proxy, c.last_at + $late AS expires,
        CASE
            WHEN c.found_at - c.last_at <= CASE WHEN r.url IS NULL THEN $soon ELSE $late END THEN 'never'
            WHEN c.found_at IS NULL AND r.url IS NOT NULL THEN 'late'
            ELSE 'now'
        END AS leaves
    FROM chained AS c
    JOIN stretches AS s ON s.url = c.url AND s.stretch = c.stretch
    LEFT JOIN rotating AS r ON r.url = c.url
    WHERE c.kind = 1 AND coalesce(c.next_ups, s.ups) - c.ups >= $leave
),
zipped AS (SELECT attr, unnest(addresses) AS address, unnest(address_hosters) AS keys FROM attrs),
held AS (SELECT attr, address, unnest(string_split(keys, '+')) AS hoster FROM zipped WHERE address IS NOT NULL),
inherited AS (
    SELECT DISTINCT held.attr, held.hoster, zipped.attr AS later_attr
    FROM held
    JOIN zipped ON zipped.address = held.address
),
without AS (
    SELECT g.url, g.stretch, g.hoster, g.idx,
        min(i.first_at) AS since,
        max(i.last_at) AS last_without,
        arg_min(a.proxy, i.idx) AS first_proxy,
        min(i.ups - i.n - g.ups + 1) FILTER (h.attr IS NOT NULL) AS lineage_look,
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
        coalesce(
            w.lineage_look <= $leave OR g.leaves = 'never' OR (g.leaves = 'late' AND w.before_lineage <= g.expires), false
        ) AS by_lineage
    FROM gaps AS g
    JOIN without AS w ON w.url = g.url AND w.stretch = g.stretch AND w.hoster = g.hoster AND w.idx = g.idx
),
broken AS MATERIALIZED (
    SELECT url, stretch, hoster, idx, first_seq, last_seq, ups, unknown_before,
        CASE WHEN by_lineage THEN lineage_at ELSE since END AS left_at,
        CASE WHEN by_lineage THEN $lineage WHEN first_proxy AND NOT proxy THEN $masked ELSE $moved END AS cause,
        CASE WHEN by_lineage THEN greatest(lineage_look, $leave) ELSE $leave END AS looks,
        CASE WHEN leaves = 'late' AND NOT by_lineage THEN expires END AS after
    FROM (SELECT * REPLACE (by_lineage AND lineage_look IS NOT NULL AS by_lineage) FROM judged)
    WHERE by_lineage OR leaves = 'now' OR (leaves = 'late' AND last_without > expires)
),
-- The look at which a leaving was certain: until then the episode counts looks.
soon_settled AS (
    SELECT b.url, b.stretch, b.hoster, b.idx,
        min(t.seq, $leave) FILTER (t.kind = 1 AND t.seq > b.last_seq)[-1] AS settled_seq,
        list(t.seq) FILTER (t.kind = 0) AS unknown
    FROM broken AS b
    JOIN kept AS t ON t.url = b.url AND t.seq > b.first_seq AND t.kind IN (0, 1)
    WHERE b.looks = $leave AND b.after IS NULL
    GROUP BY ALL
),
single AS (
    SELECT url, seen_at, kind,
        count(*) FILTER (kind = 1) OVER so_far AS up,
        count(*) FILTER (kind = 0) OVER so_far AS unknown
    FROM kept
    WHERE url IN (SELECT url FROM broken WHERE looks > $leave OR after IS NOT NULL)
    WINDOW so_far AS (PARTITION BY url ORDER BY seq ROWS UNBOUNDED PRECEDING)
),
settled AS MATERIALIZED (
    SELECT b.url, b.stretch, b.hoster, b.idx, b.left_at, b.cause, b.ups + b.looks AS ups,
        b.unknown_before + coalesce(len(list_filter(s.unknown, lambda seq: seq < s.settled_seq)), 0) AS unknown
    FROM broken AS b
    JOIN soon_settled AS s ON s.url = b.url AND s.stretch = b.stretch AND s.hoster = b.hoster AND s.idx = b.idx
    UNION ALL
    SELECT b.url, b.stretch, b.hoster, b.idx, b.left_at, b.cause, min(s.up), min(s.unknown)
    FROM broken AS b
    JOIN single AS s ON s.url = b.url AND s.kind = 1 AND s.up >= b.ups + b.looks
        AND (b.after IS NULL OR s.seen_at > b.after)
    WHERE b.looks > $leave OR b.after IS NOT NULL
    GROUP BY ALL
),
parts AS (
    SELECT c.*, s.left_at, s.cause, s.ups AS settled_ups, s.unknown AS settled_unknown,
        count(s.left_at) OVER (
            PARTITION BY c.url, c.stretch, c.hoster ORDER BY c.idx ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS part
    FROM chained AS c
    LEFT JOIN settled AS s ON s.url = c.url AND s.stretch = c.stretch AND s.hoster = c.hoster AND s.idx = c.idx
    WHERE c.kind = 1
),
stays AS (
    SELECT url, stretch, hoster, arg_min(place, idx) AS place, min(idx) AS idx, arg_min(answer, idx) AS attr,
        min(first_at) AS first_at, max(last_at) AS last_at, arg_min(coalesce(decided_at, -1), idx) AS decided,
        min(ups_before) AS ups_before, arg_min(unknown_before, idx) AS unknown_before,
        any_value(left_at) AS left_at, any_value(cause) AS left_cause,
        any_value(settled_ups) AS settled_ups, any_value(settled_unknown) AS settled_unknown
    FROM parts
    GROUP BY url, stretch, hoster, part
    UNION ALL
    SELECT i.url, i.stretch, h.hoster, h.place, i.idx, i.answer, i.first_at, i.last_at, coalesce(i.decided_at, -1),
        i.ups - i.n, i.unknown_before, NULL, NULL, NULL, NULL
    FROM islands AS i
    JOIN hosts AS h ON h.attr = i.answer
    WHERE i.kind = 1 AND i.url NOT IN (FROM moving)
),
whole AS (
    SELECT url, sum(asked + asked_before) AS unknown_in_all FROM undecided GROUP BY url
),
closed AS (
    SELECT t.url, t.hoster, t.attr, t.first_at, t.last_at,
        CASE WHEN t.idx > 1 THEN t.decided END AS absent_at,
        t.first_at AS first_up,
        coalesce(t.left_at, d.first_at) AS down_at,
        CASE WHEN t.left_at IS NULL THEN d.cause ELSE t.left_cause END AS cause,
        coalesce(t.settled_ups, s.ups) - t.ups_before AS ups,
        coalesce(t.settled_unknown, d.unknown_before, w.unknown_in_all, 0) - t.unknown_before
            -- what nothing open could count goes to the first that opens; an absence that opened nothing took none
            + CASE
                WHEN t.idx > s.first_idx OR t.place > 1 THEN 0
                WHEN b.url IS NULL OR (b.idx = 1 AND b.attr < 0) THEN t.unknown_before
                ELSE t.unknown_before - b.unknown_before
            END AS unknown
    FROM stays AS t
    JOIN stretches AS s ON s.url = t.url AND s.stretch = t.stretch
    LEFT JOIN whole AS w ON w.url = t.url
    LEFT JOIN downs AS d ON d.url = t.url AND d.stretch = t.stretch + 1
    LEFT JOIN downs AS b ON b.url = t.url AND b.stretch = t.stretch
    UNION ALL
    -- down at our first decided look: the report knew it up before
    SELECT d.url, h.hoster, d.attr, NULL, NULL, NULL, NULL, d.first_at, d.cause, 1,
        CASE WHEN h.place = 1 THEN d.unknown_before ELSE 0 END
    FROM downs AS d
    JOIN hosts AS h ON h.attr = d.attr
    WHERE d.idx = 1
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
