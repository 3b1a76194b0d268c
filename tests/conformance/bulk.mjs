// SPDX-License-Identifier: EUPL-1.2
// A whole export by @medplum/core, unmodified: asked, waited for, every file fetched, for
// test_bulk_client.py to judge. Arguments: the client's folder, the address before /fhir, a token, types.
const [folder, baseUrl, accessToken, types] = process.argv.slice(2);
const { MedplumClient } = await import(`${folder}/dist/esm/index.mjs`);
const client = new MedplumClient({ baseUrl, fhirUrlPath: "fhir", accessToken, extendedMode: false, fetch });
const told = await client.bulkExport("Patient", types, undefined,
  { pollStatusOnAccepted: true, pollStatusPeriod: 200 });
const files = [];
for (const { type, url } of told.output) {
  const lines = (await (await client.download(url)).text()).split("\n").filter(Boolean);
  files.push({ type, rows: lines.map((line) => JSON.parse(line)) });
}
console.log(JSON.stringify({ told, files }));
