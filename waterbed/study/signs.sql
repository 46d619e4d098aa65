-- Features of looks, with the first and last time of each URL; its name servers are in looks.sql. Looks whose control
-- is not here are left out, but for $all. Redirects count where they lead to what is known.
WITH found AS (
  SELECT url_id, 'certificate' AS kind, certificate_id AS key, '' AS role, observed_at
  FROM observation WHERE certificate_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, 'public_key', public_key_id, '', observed_at
  FROM observation WHERE public_key_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, CASE WHEN redirect = 'same' THEN 'same_url' ELSE 'redirect_url' END, redirect_url_id, 'from',
    observed_at
  FROM observation WHERE redirect_url_id <> url_id AND redirect_url_id IN (SELECT url_id FROM known)
  UNION ALL
  SELECT url_id, 'redirect_site', redirect_site_id, 'from', observed_at
  FROM observation WHERE redirect = 'other' AND redirect_site_id IN (SELECT site_id FROM known)
  UNION ALL
  SELECT url_id, 'etag', look.etag_id || ' ' || look.content_length, '', observed_at
  FROM observation AS look
  LEFT JOIN (SELECT control_id AS found_id, etag_id FROM control_look) AS control ON look.control_id = control.found_id
  WHERE look.etag_id <> '' AND look.content_length > 0
    AND nullif(control.etag_id, '') IS DISTINCT FROM look.etag_id
    AND status BETWEEN 200 AND 299 AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked', 'seized'])
    AND ($all OR look.control_id IS NULL OR control.found_id IS NOT NULL)
  UNION ALL
  SELECT url_id, 'title', title_id, '', observed_at
  FROM observation
  WHERE title_id <> '' AND status BETWEEN 200 AND 299
    AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked', 'seized'])
  UNION ALL
  SELECT url_id, 'page', page_id, '', observed_at
  FROM observation
  WHERE page_id <> '' AND status BETWEEN 200 AND 299
    AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked', 'seized'])
),
one AS (
  SELECT url_id, kind, key, role, min(observed_at) AS first, max(observed_at) AS last
  FROM found GROUP BY url_id, kind, key, role
)
SELECT target.number AS url, kind, key, role, epoch_us(first) AS first, epoch_us(last) AS last,
  hash(kind, key) >> 60 AS piece
FROM one JOIN target USING (url_id)
