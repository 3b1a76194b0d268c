-- SPDX-License-Identifier: EUPL-1.2
-- The document sharing of the national guide: a uniqueId whose document was deleted goes to another; the
-- guide's own search parameters; chains two steps into what is contained. docs/decisions/0046.

GRANT UPDATE (digest, rid) ON documents.unique_id TO carnet_app;
CREATE POLICY again ON documents.unique_id FOR UPDATE USING (
    cid = ANY ((SELECT access.context(16))::bigint[]));

-- Rows are indexed again: by `carnet reindex` where there are any.
INSERT INTO search.generation (number, form, at, why)
SELECT max(number) + 1, 2, clock_timestamp(), 'chains two steps into what is contained; document sharing'
  FROM search.generation;
UPDATE search.floor SET number = (SELECT max(number) FROM search.generation);

-- Sources: ANS, PDSm 3.1.1; IHE MHD 4.2. One of the same address that an operator loaded stays.
INSERT INTO search.parameter (number, url, code, bases, definition, since, loaded_at, complete)
SELECT nextval('search.parameter_number'), p.url, p.code, p.bases,
       jsonb_build_object('type', p.type, 'expression', p.expression, 'targets', p.targets,
                          'components', '[]'::jsonb),
       (SELECT max(number) FROM search.generation), clock_timestamp(),
       CASE WHEN EXISTS (SELECT FROM record.resource) THEN NULL ELSE clock_timestamp() END
  FROM (VALUES
    ('https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-DocumentReference-period-start',
     'period-start', '{DocumentReference}'::text[], 'date', 'DocumentReference.context.period.start', '[]'::jsonb),
    ('https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-DocumentReference-period-end',
     'period-end', '{DocumentReference}', 'date', 'DocumentReference.context.period.end', '[]'),
    ('https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-isArchived',
     'isArchived', '{DocumentReference,List}', 'token',
     'extension.where(url=''https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived'').value',
     '[]'),
    ('https://interop.esante.gouv.fr/ig/fhir/pdsm/SearchParameter/PDSm-List-authorOrg',
     'authorOrg', '{List}', 'reference',
     'List.extension.where(url=''https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-authorOrg'').value',
     '["Organization"]'),
    ('https://profiles.ihe.net/ITI/MHD/SearchParameter/DocumentReference-Creation',
     'creation', '{DocumentReference}', 'date', 'DocumentReference.content.attachment.creation', '[]'),
    ('https://profiles.ihe.net/ITI/MHD/SearchParameter/List-DesignationType',
     'designationType', '{List}', 'token',
     'extension(''https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-designationType'').value.ofType(CodeableConcept)',
     '[]'),
    ('https://profiles.ihe.net/ITI/MHD/SearchParameter/List-SourceId',
     'sourceId', '{List}', 'token',
     'extension(''https://profiles.ihe.net/ITI/MHD/StructureDefinition/ihe-sourceId'').value.ofType(Identifier)',
     '[]')
  ) AS p (url, code, bases, type, expression, targets)
 WHERE NOT EXISTS (SELECT FROM search.parameter o WHERE o.removed IS NULL
                   AND (o.url = p.url OR (o.code = p.code AND o.bases && p.bases)));
