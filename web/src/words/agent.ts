import type { agent as texts } from './en/agent.ts'
import type { Words } from './words.ts'

type AgentKey = keyof typeof texts

/** What the vault's agent said by a code; a code that this app has no words for, or none, is said in the agent's own. */
export type AgentSaid = { readonly code: string; readonly values: Readonly<Record<string, string>> }

/** The sentence in the reader's language; null where there is none. `on` is a day, in Unix seconds. */
export function agentText(words: Pick<Words, 'n' | 'day'>, said: AgentSaid | undefined): string | null {
  if (!said) return null
  const key = `agent.${said.code}` as AgentKey
  const { count = '1', on } = said.values
  const day = on && /^\d{1,11}$/.test(on) ? { on: words.day(Number(on)) } : {}
  return words.n(key, Number(count), { ...said.values, ...day }) || null
}
