// SPDX-License-Identifier: EUPL-1.2
// fhir-kit-client, unmodified, shares documents as the national guide has it: one line of JSON a step.
// Arguments: the client's folder, the address, tokens of a depositor and of a patient, the patient's id,
// a file with the lots to send.
import { readFileSync } from "node:fs";
const [folder, baseUrl, bearerToken, own, patient, file] = process.argv.slice(2);
const { Client } = await import(`${folder}/dist/index.js`);
const client = new Client({ baseUrl, bearerToken });
const reader = new Client({ baseUrl, bearerToken: own });
const { lot, simple, archived, number } = JSON.parse(readFileSync(file, "utf8"));

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

const searched = (searchParams, resourceType = "DocumentReference") =>
  reader.search({ resourceType, searchParams });
const who = { patient: `Patient/${patient}`, status: "current" };
const code = "https://profiles.ihe.net/ITI/MHD/CodeSystem/MHDlistTypes|submissionset";
const idOf = (location) => location.split("/_history")[0].split("/").at(-1);

const answer = await step("ITI-65", () => client.transaction({ body: lot }));
const locations = answer.entry.map((each) => each.response.location);
const first = idOf(locations.find((each) => each.includes("DocumentReference/")));
await step("ITI-66", () => searched({ ...who, code }, "List"));
const found = await step("ITI-67", () => searched({ ...who, identifier: number }));
const url = found.entry[0].resource.content[0].attachment.url;
await step("ITI-68", () => reader.read({ resourceType: "Binary", id: url.split("/").at(-1) }));
simple.relatesTo = [{ code: "replaces", target: { reference: `DocumentReference/${first}` } }];
const second = await step("ITI-105", () => client.create({ resourceType: "DocumentReference", body: simple }));
await step("replaced", () => reader.read({ resourceType: "DocumentReference", id: first }));
await step("archive", () =>
  client.patch({ resourceType: "DocumentReference", id: second.id, jsonPatch: archived }));
await step("archived", () => searched({ ...who, isArchived: "true" }));
await step("title", () =>
  client.patch({ resourceType: "DocumentReference", id: second.id,
                 jsonPatch: [{ op: "add", path: "/description", value: "x" }] }));
await step("not the author", () =>
  reader.delete({ resourceType: "DocumentReference", id: second.id }));
await step("delete", () => client.delete({ resourceType: "DocumentReference", id: second.id }));
await step("deleted", () => reader.read({ resourceType: "DocumentReference", id: second.id }));
