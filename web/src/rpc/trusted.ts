/**
 * Under Trusted Types a browser takes a script's address only from a policy. There is one policy, the default one, so that libraries need not
 * know of it: addresses of this site's own files, and nothing else; no text becomes a script, and none becomes markup.
 */
type Policies = { createPolicy(name: string, rules: { createScriptURL(url: string): string | null }): unknown }
const { trustedTypes } = globalThis as { trustedTypes?: Policies }

trustedTypes?.createPolicy('default', {
  createScriptURL(url) {
    const { origin, pathname } = new URL(url, location.href)
    return origin === location.origin && /^\/(assets\/[\w.-]+|sw\.js)$/.test(pathname) ? url : null
  },
})
