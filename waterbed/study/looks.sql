-- Each look with all that it is judged, attributed and linked by, in any order. A look is lost if its name's resolution
-- or its control is not here; with $all there is none. Early versions kept no answer for the name that a redirect led
-- to: such a look was answered from an address that is none of its name's, and this one is all that is known.
WITH asked AS MATERIALIZED (SELECT DISTINCT resolution_id FROM observation JOIN target USING (url_id))
SELECT
  target.number AS url,
  target.host,
  look.observation_id AS id,
  epoch_us(look.observed_at) AS at,
  look.vantage,
  look.network,
  look.agent_id AS agent,
  look.address,
  CASE WHEN resolution.addresses <> '' AND look.link_check IS NULL
      AND NOT contains(' ' || resolution.addresses || ' ', ' ' || look.address || ' ')
    THEN look.address ELSE resolution.addresses END AS addresses,
  CASE WHEN look.etag_id IS NOT NULL THEN hash(look.etag_id) >> 1 END AS etag,
  CASE WHEN look.public_key_id IS NOT NULL THEN hash(look.public_key_id) >> 1 END AS key,
  look.content_length AS length,
  CASE WHEN control.failure IS NULL AND control.status BETWEEN 200 AND 399 THEN hash({
    'status': control.status,
    'redirect': CASE WHEN NOT list_contains(control.unstable, 'redirect') THEN control.redirect END,
    'site': CASE WHEN NOT list_contains(control.unstable, 'redirect_site_id') THEN control.redirect_site_id END,
    'type': CASE WHEN NOT list_contains(control.unstable, 'media_type') THEN control.media_type END,
    'length': CASE WHEN NOT list_contains(control.unstable, 'content_length') THEN control.content_length END,
    'etag': CASE WHEN NOT list_contains(control.unstable, 'etag_id') THEN control.etag_id END
  }) >> 1 END AS control_answer,
  look.phase,
  look.failure,
  look.status,
  look.method,
  array_to_string(look.marks, ' ') AS marks,
  look.redirect,
  look.profile,
  look.head_status,
  look.link_check IS NOT NULL AS link_check,
  look.link_exists,
  look.authenticated,
  look.media_type,
  look.redirect_site_id IS NOT NULL AS site,
  look.tls_version IS NULL AS no_tls,
  look.certificate_id IS NOT NULL AS certified,
  look.tls_problem,
  look.tls_trust,
  resolution.tags,
  control.control_id IS NOT NULL AS controlled,
  control.failure IS NOT NULL AS control_failed,
  control.status AS control_status,
  control.vantage IS NOT DISTINCT FROM look.vantage AS control_here,
  array_to_string(control.unstable, ' ') AS unstable,
  control.redirect AS control_redirect,
  CASE WHEN control.redirect_site_id IS NULL THEN 0
    WHEN control.redirect_site_id = look.redirect_site_id THEN 1 ELSE 2 END AS control_site,
  CASE WHEN control.media_type IS NULL THEN 0 WHEN control.media_type = look.media_type THEN 1 ELSE 2 END
    AS control_type,
  CASE WHEN control.content_length IS NULL THEN 0
    WHEN control.content_length = look.content_length THEN 1 ELSE 2 END AS control_length,
  CASE WHEN control.etag_id IS NULL THEN 0 WHEN control.etag_id = look.etag_id THEN 1 ELSE 2 END AS control_etag,
  resolution.name_servers,
  NOT $all AND ((look.resolution_id IS NOT NULL AND resolution.found_id IS NULL)
    OR (look.control_id IS NOT NULL AND control.control_id IS NULL)) AS lost
FROM observation AS look
JOIN target USING (url_id)
LEFT JOIN (
  SELECT resolution_id AS found_id, array_to_string(addresses, ' ') AS addresses, array_to_string(tags, ' ') AS tags,
    CASE WHEN array_length(name_server_ids) > 0 AND NOT list_has_any(tags, ['parking', 'seized',
          'parking_by_name_servers', 'seized_by_name_servers'])
      THEN array_to_string(name_server_ids, ' ') END AS name_servers
  FROM resolution WHERE resolution_id IN (SELECT resolution_id FROM asked)
) AS resolution ON look.resolution_id = resolution.found_id
LEFT JOIN control_look AS control ON look.control_id = control.control_id
