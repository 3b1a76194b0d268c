// SPDX-License-Identifier: EUPL-1.2
// A real OpenID provider (npm oidc-provider) with people of its own: node provider.mjs LIBRARY < what.json
// what: {port, clients, people: {name: {sub, acr, amr, claims}}, inside, pkce, signed}. Prints "ready".
import http from 'node:http'
import { generateKeyPairSync } from 'node:crypto'

const { default: Provider } = await import(process.argv[2])
let text = ''
for await (const piece of process.stdin) text += piece
const what = JSON.parse(text)
const issuer = `http://127.0.0.1:${what.port}`
const kid = `key-${process.pid}`
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const subs = Object.fromEntries(Object.values(what.people).map((each) => [each.sub, each]))
const traits = ['given_name', 'family_name', 'birthdate', 'gender', 'birthplace', 'birthcountry']
const names = [...new Set(Object.values(what.people).flatMap((each) => Object.keys(each.claims)))]

const provider = new Provider(issuer, {
  clients: what.clients,
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' }] },
  findAccount: (_, id) => subs[id] && { accountId: id, claims: () => ({ sub: id, ...subs[id].claims }) },
  claims: {
    openid: ['sub'], profile: names, scope_all: names, ...Object.fromEntries(traits.map((each) => [each, [each]])),
    acr: null, amr: null, auth_time: null, sid: null,
  },
  scopes: ['openid', 'profile', 'scope_all', ...traits],
  acrValues: ['eidas1', 'eidas2', 'urn:hospital:two'],
  conformIdTokenClaims: !what.inside,
  cookies: { keys: ['only for tests'] },
  pkce: { required: () => true },
  features: {
    devInteractions: { enabled: false },
    rpInitiatedLogout: { enabled: true },
    backchannelLogout: { enabled: true },
    claimsParameter: { enabled: true },
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  fetch: (url, options) => fetch(url, options),
  async loadExistingGrant(ctx) {
    const { client, session, params } = ctx.oidc
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope(params.scope)
    grant.addOIDCClaims(names)
    await grant.save()
    return grant
  },
})
provider.on('server_error', (_, error) => console.error(error))
const answer = provider.callback()

const page = (uid) => `<!doctype html><html lang="fr"><title>Fournisseur</title><form method="post"
 action="/interaction/${uid}"><label>Nom <input name="login"></label><button name="act" value="in">Entrer</button>
<button name="act" value="cancel">Renoncer</button></form></html>`

http.createServer(async (request, response) => {
  const uid = request.url.match(/^\/interaction\/([\w-]+)$/)?.[1]
  if (!uid) return answer(request, response)
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html; charset=utf-8')
    return response.end(page(uid))
  }
  let body = ''
  for await (const piece of request) body += piece
  const form = new URLSearchParams(body)
  const one = what.people[form.get('login')]
  const result = form.get('act') === 'cancel' || !one
    ? { error: 'access_denied', error_description: 'the person renounced' }
    : { login: { accountId: one.sub, acr: one.acr, amr: one.amr, remember: false } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}).listen(what.port, '127.0.0.1', () => console.log('ready'))
