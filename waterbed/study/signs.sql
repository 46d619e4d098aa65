-- What URLs share, with the first and last time: of plain signs only those of several URLs.
WITH look AS (
  SELECT observation.*, resolution.name_server_ids, resolution.tags, control.control_id AS compared,
    control.etag_id AS control_etag,
    status BETWEEN 200 AND 299 AND NOT list_has_any(marks, ['challenge', 'suspended', 'removed', 'parked']) AS is_page
  FROM observation
  JOIN target USING (url_id)
  LEFT JOIN resolution USING (resolution_id)
  LEFT JOIN (SELECT control_id, etag_id FROM control_look) AS control USING (control_id)
),
found AS (
  SELECT url_id, 'name_servers' AS kind, array_to_string(name_server_ids, ' ') AS key, '' AS role, observed_at
  FROM look WHERE array_length(name_server_ids) > 0 AND NOT list_contains(tags, 'parking')
  UNION ALL
  SELECT url_id, 'certificate', certificate_id, '', observed_at
  FROM look WHERE certificate_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, 'public_key', public_key_id, '', observed_at
  FROM look WHERE public_key_id <> '' AND NOT list_contains(marks, 'cdn')
  UNION ALL
  SELECT url_id, CASE WHEN redirect = 'same' THEN 'same_url' ELSE 'redirect_url' END, redirect_url_id, 'from',
    observed_at
  FROM look WHERE redirect_url_id <> url_id AND redirect_url_id IN (SELECT url_id FROM target)
  UNION ALL
  SELECT url_id, 'redirect_site', redirect_site_id, 'from', observed_at
  FROM look WHERE redirect = 'other' AND redirect_site_id IN (SELECT site_id FROM target)
  UNION ALL
  SELECT url_id, 'etag', etag_id || ' ' || content_length, '', observed_at
  FROM look
  WHERE is_page AND etag_id <> '' AND content_length > 0
    AND (compared IS NULL OR control_etag IS DISTINCT FROM etag_id)
  UNION ALL
  SELECT url_id, 'title', title_id, '', observed_at FROM look WHERE is_page AND title_id <> ''
  UNION ALL
  SELECT url_id, 'page', page_id, '', observed_at FROM look WHERE is_page AND page_id <> ''
  UNION ALL
  SELECT url_id, 'answered', '', 'answered', observed_at FROM look WHERE failure IS NULL
),
sign AS (
  SELECT url_id, kind, key, role, min(observed_at) AS first, max(observed_at) AS last
  FROM found GROUP BY url_id, kind, key, role
),
shared AS (
  SELECT kind, key FROM sign WHERE role = '' GROUP BY kind, key HAVING count(*) > 1
)
SELECT url_id, kind, key, role, epoch_us(first) AS first, epoch_us(last) AS last
FROM sign LEFT JOIN (SELECT kind, key, TRUE AS is_shared FROM shared) AS shared USING (kind, key)
WHERE $alone OR role <> '' OR is_shared
