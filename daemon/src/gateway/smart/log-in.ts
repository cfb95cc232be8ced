import { ensure } from '@keepwell/sdk/base/error'
import type { SmartContext } from './context.ts'
import { logIn } from './factors.ts'
import type { LoginPage } from './pages.ts'
import { passkeyAnswered } from './passkeys.ts'
import type { Staff } from './staff.ts'

export type LoggedIn = { readonly staff: Staff; readonly methods: readonly string[] }

/** Who a login form shows, by passkey or by passphrase and code; else what was wrong. Throws NO_ROUTE for a form that is neither. */
export async function shownBy(
  smart: SmartContext,
  form: URLSearchParams,
  verb: string,
): Promise<LoggedIn | NonNullable<LoginPage['problem']>> {
  if (verb === 'passkey') {
    const staff = await passkeyAnswered(smart, smart.site, parsed(form.get('answer')))
    told(smart, 'passkey', staff ?? 'refused')
    return staff ? { staff, methods: ['hwk', 'user', 'mfa'] } : 'passkeyFailed'
  }
  ensure(verb === 'login', 'NO_ROUTE', 'There is nothing at that path.')
  const given = { login: form.get('login') ?? '', passphrase: form.get('passphrase') ?? '', code: form.get('code') ?? '' }
  const result = await logIn(smart, given)
  told(smart, 'passphrase', typeof result === 'string' ? result : result.staff)
  if (typeof result === 'string') return result === 'locked' ? 'locked' : 'wrong'
  return result
}

function told({ log }: SmartContext, by: 'passkey' | 'passphrase', who: Staff | 'refused' | 'locked'): void {
  const outcome = typeof who === 'string' ? { level: 'warn', outcome: who } : { level: 'info', outcome: 'in', staff: who.id }
  log({ ...outcome, task: 'login', by })
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return null
  }
}
