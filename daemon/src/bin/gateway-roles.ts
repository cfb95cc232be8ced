import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type KeptRules, type RoleRules, readRoleRules } from '#gateway/core/role-rules'
import { readIfThere } from './files.ts'

export const roleFile = (dir: string): string => join(dir, 'gateway-roles.json')

const LOOK_MS = 1000

/** The organisation's rules of roles, read again when their file changed. A file that cannot be read changes nothing, and is told. Throws BAD_INPUT at the start. */
export async function roleRulesAt(dir: string, failed: (code: string) => void): Promise<KeptRules & { close(): void }> {
  const file = roleFile(dir)
  const listeners = new Set<() => void>()
  const stamp = (): Promise<string> =>
    stat(file).then(
      s => `${s.mtimeMs}/${s.ino}/${s.size}`,
      () => '',
    )
  let known = await stamp()
  let current: RoleRules = readRoleRules(await readIfThere(file))
  const look = async (): Promise<void> => {
    const now = await stamp()
    if (now === known) return
    known = now
    try {
      current = readRoleRules(await readIfThere(file))
      for (const listener of listeners) listener()
    } catch {
      failed('BAD_INPUT')
    }
  }
  const timer = setInterval(() => void look(), LOOK_MS).unref()
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => clearInterval(timer),
  }
}
