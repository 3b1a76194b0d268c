// SPDX-License-Identifier: EUPL-1.2
// What fhir-kit-client, unmodified, is answered: one line of JSON a step, for test_kit_client.py to judge.
// Arguments: the client's folder, the FHIR address, tokens of a depositor and of a patient, the patient's id.
const [folder, baseUrl, bearerToken, own, patient] = process.argv.slice(2);
const { Client, CapabilityTool } = await import(`${folder}/dist/index.js`);
const client = new Client({ baseUrl, bearerToken });
const subject = { reference: `Patient/${patient}` };
const DAY = "2003-04-05";
const ONE = "urn:uuid:5f0f6d3e-2f0a-4b0e-9d39-0c6b7f0a1a01";

const glucose = (more = {}) => ({
  resourceType: "Observation", status: "final", subject, effectiveDateTime: DAY,
  code: { coding: [{ system: "http://loinc.org", code: "2339-0" }] }, ...more,
});

async function step(name, act) {
  let told;
  try {
    const data = await act();
    const { response } = Client.httpFor(data ?? {});
    told = { data, status: response?.status, headers: Object.fromEntries(response?.headers ?? []) };
  } catch (error) {
    told = { status: error.response?.status ?? 0, data: error.response?.data ?? String(error) };
  }
  console.log(JSON.stringify({ name, ...told }));
  return told.data;
}

const patientsOwn = new Client({ baseUrl, bearerToken: own });  // the depositor does not see the patient
const search = (searchParams, more = {}, by = client) =>
  by.search({ resourceType: "Observation", searchParams, ...more });

const statement = await step("metadata", () => client.capabilityStatement());
const tool = new CapabilityTool(statement);
await step("tool", async () => ({
  update: tool.resourceCan("Observation", "update"), search: tool.resourceSearch("Observation", "code"),
  other: tool.resourceSearch("Observation", "no-such"),
}));
const made = await step("create", () => client.create({ resourceType: "Observation", body: glucose() }));
const it = { resourceType: "Observation", id: made.id };
await step("read", () => client.read(it));
await step("vread", () => client.vread({ ...it, version: "1" }));
const changed = { ...made, status: "amended" };
const ifMatch = (version) => ({ headers: { "If-Match": `W/"${version}"` } });
await step("update", () => client.update({ ...it, body: changed, options: ifMatch(1) }));
await step("stale update", () => client.update({ ...it, body: changed, options: ifMatch(1) }));
const jsonPatch = [{ op: "test", path: "/status", value: "amended" },
                   { op: "replace", path: "/status", value: "corrected" }];
await step("patch", () => client.patch({ ...it, jsonPatch }));
await step("history", () => client.history(it));
await step("history of a type", () => client.history({ resourceType: "Observation" }));
await step("history of all", () => client.history({}));

for (let n = 0; n < 5; n++) {
  await client.create({ resourceType: "Observation", body: glucose({ effectiveDateTime: "2003-07-08" }) });
}
const pages = [await step("page", () => search({ date: "2003-07-08", _count: 2, _sort: "-date" }))];
for (let page; pages.length < 10 && (page = await client.nextPage({ bundle: pages.at(-1) })); ) {
  pages.push(page);
}
await step("pages", async () => pages.map((page) => page.entry.map((each) => each.resource.id)));
await step("post search", () => search({ date: "2003-07-08", code: "http://loinc.org|2339-0" },
                                       { options: { postSearch: true } }));
await step("chained", () => search({ date: DAY, "subject:Patient._id": patient, _include: "Observation:subject" },
                                    {}, patientsOwn));
await step("has", () => patientsOwn.search({
  resourceType: "Patient", searchParams: { _id: patient, "_has:Observation:subject:code": "2339-0" } }));
await step("revinclude", () => patientsOwn.search({
  resourceType: "Patient", searchParams: { _id: patient, _revinclude: "Observation:subject" } }));
await step("compartment", () => client.search({
  resourceType: "Observation", compartment: { resourceType: "Patient", id: patient }, searchParams: { date: DAY } }));
await step("compartment by post", () => client.search({
  resourceType: "Observation", compartment: { resourceType: "Patient", id: patient }, searchParams: { date: DAY },
  options: { postSearch: true } }));
await step("array", () => search({ date: ["ge2003-07-08", "le2003-07-08"] }));

const identifier = [{ system: "urn:example:kit", value: "1" }];
const once = { headers: { "If-None-Exist": "identifier=urn:example:kit|1" } };
const body = glucose({ identifier });
await step("create once", () => client.create({ resourceType: "Observation", body, options: once }));
await step("create again", () => client.create({ resourceType: "Observation", body, options: once }));
await step("conditional update", () => client.update({
  resourceType: "Observation", searchParams: { identifier: "urn:example:kit|1" },
  body: { ...body, status: "amended" } }));

const report = { resourceType: "DiagnosticReport", status: "final", subject, code: { text: "Bilan" },
                 result: [{ reference: ONE }] };
const post = (resource, fullUrl) => ({ fullUrl, resource, request: { method: "POST", url: resource.resourceType } });
const bundle = (type, ...entry) => ({ resourceType: "Bundle", type, entry });
const sent = await step("transaction", () => client.transaction({
  body: bundle("transaction", post(report, "urn:uuid:5f0f6d3e-2f0a-4b0e-9d39-0c6b7f0a1a02"), post(glucose(), ONE)) }));
await step("its report", () => client.request(sent.entry[0].response.location));
await step("resolve", async () => client.resolve({
  reference: (await client.request(sent.entry[0].response.location)).result[0].reference }));
await step("batch", () => client.batch({
  body: bundle("batch", { request: { method: "GET", url: `Observation/${made.id}` } },
               { request: { method: "GET", url: "Observation/nowhere" } }) }));
await step("wrong transaction", () => client.transaction({
  body: bundle("transaction", post(glucose({ status: "so-so" }), ONE)) }));

await step("everything", () => patientsOwn.operation({
  name: "everything", resourceType: "Patient", id: patient, method: "GET", input: { _count: 5 } }));
await step("everything by post", () => patientsOwn.operation({
  name: "$everything", resourceType: "Patient", id: patient }));
const concept = ["male", "female"].map((code) => ({ code }));
const valueSet = { resourceType: "ValueSet", status: "active",
                   compose: { include: [{ system: "http://hl7.org/fhir/administrative-gender", concept }] } };
await step("expand", () => client.operation({
  name: "$expand", resourceType: "ValueSet",
  input: { resourceType: "Parameters", parameter: [{ name: "valueSet", resource: valueSet }] } }));
await step("expand of nothing", () => client.operation({
  name: "$expand", resourceType: "ValueSet", method: "GET", input: { url: "urn:example:no-such" } }));
await step("validate", () => client.operation({
  name: "validate", resourceType: "Observation", input: glucose({ status: "so-so" }) }));
await step("meta", () => client.operation({ name: "meta", resourceType: "Observation", id: made.id, method: "GET" }));

await step("delete", () => client.delete(it));
await step("deleted", () => client.read(it));
await step("nowhere", () => client.read({ ...it, id: "nowhere" }));
await step("unknown parameter", () => search({ "no-such": "1" }));
await step("wrong resource", () => client.create({ resourceType: "Observation", body: { resourceType: "Observation" } }));
client.bearerToken = "a.b.c";
await step("wrong token", () => client.read(it));
