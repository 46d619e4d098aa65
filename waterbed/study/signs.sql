-- Features that URLs share, with the first and last time: of plain ones only those of several URLs.
WITH found AS (
  SELECT url_id, 'name_servers' AS kind, array_to_string(name_server_ids, ' ') AS key, '' AS role, observed_at
  FROM observation JOIN (SELECT resolution_id, name_server_ids, tags FROM resolution) AS resolution USING (resolution_id)
  WHERE array_length(name_server_ids) > 0 AND NOT list_contains(tags, 'parking')
  UNION ALL
  SELECT url_id, 'certificate', certificate_id, '', observed_at
  FROM observation WHERE certificate_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, 'public_key', public_key_id, '', observed_at
  FROM observation WHERE public_key_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, CASE WHEN redirect = 'same' THEN 'same_url' ELSE 'redirect_url' END, redirect_url_id, 'from',
    observed_at
  FROM observation WHERE redirect_url_id <> url_id AND redirect_url_id IN (SELECT url_id FROM target)
  UNION ALL
  SELECT url_id, 'redirect_site', redirect_site_id, 'from', observed_at
  FROM observation WHERE redirect = 'other' AND redirect_site_id IN (SELECT site_id FROM target)
  UNION ALL
  SELECT url_id, 'etag', look.etag_id || ' ' || look.content_length, '', observed_at
  FROM observation AS look
  LEFT JOIN (SELECT control_id, etag_id FROM control_look WHERE etag_id <> '') AS control
    ON look.control_id = control.control_id
  WHERE look.etag_id <> '' AND look.content_length > 0 AND control.etag_id IS DISTINCT FROM look.etag_id
    AND status BETWEEN 200 AND 299 AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked'])
  UNION ALL
  SELECT url_id, 'title', title_id, '', observed_at
  FROM observation
  WHERE title_id <> '' AND status BETWEEN 200 AND 299
    AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked'])
  UNION ALL
  SELECT url_id, 'page', page_id, '', observed_at
  FROM observation
  WHERE page_id <> '' AND status BETWEEN 200 AND 299
    AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked'])
  UNION ALL
  SELECT url_id, 'answered', '', 'answered', observed_at FROM observation WHERE failure IS NULL
),
sign AS (
  SELECT url_id, kind, key, role, first, last
  FROM (
    SELECT url_id, kind, key, role, min(observed_at) AS first, max(observed_at) AS last
    FROM found GROUP BY url_id, kind, key, role
  ) AS any_url JOIN target USING (url_id)
),
shared AS (
  SELECT kind, key FROM sign WHERE role = '' GROUP BY kind, key HAVING count(*) > 1
)
SELECT url_id, kind, key, role, epoch_us(first) AS first, epoch_us(last) AS last
FROM sign LEFT JOIN (SELECT kind, key, TRUE AS is_shared FROM shared) AS shared USING (kind, key)
WHERE $alone OR role <> '' OR is_shared
