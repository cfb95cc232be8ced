/** Markup of others is read into documents that run nothing and fetch nothing; it never comes into the page as markup. */
type Policy = { createHTML(text: string): string }
type Policies = { createPolicy(name: string, rules: Policy): Policy }

const { trustedTypes } = globalThis as { trustedTypes?: Policies }
// The page's policy allows markup from nowhere but here, and what comes from here goes into a parser alone.
const policy: Policy = trustedTypes?.createPolicy('inert', { createHTML: text => text }) ?? { createHTML: text => text }

/** Such a document runs no handler and applies no style, yet browsers complain of each as if it did: in tags they are named otherwise first. */
const quiet = (text: string): string => text.replace(/<[a-z][^<>]*>/gi, tag => tag.replace(/\s(?=(?:on[a-z]+|style)\s*=)/gi, ' data-'))

/** Parses foreign markup to be looked at: `DOMParser` under Trusted Types. */
export const parseInert = (text: string, type: DOMParserSupportedType): Document =>
  new DOMParser().parseFromString(policy.createHTML(quiet(text)), type)
