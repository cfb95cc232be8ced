import { expect, test } from 'vitest'
import { sessionKey } from './pool.ts'

test('a session is one person’s, in one role, for one purpose, in the parts of that role, at one patient: nothing is shared beyond', () => {
  const actor = { person: 'Joy (joy)', role: 'nurse', purpose: 'TREAT', parts: ['general'] } as const
  const others = [
    sessionKey({ ...actor, person: 'Grace (grace)' }, 'p1'),
    sessionKey({ ...actor, role: 'physician' }, 'p1'),
    sessionKey({ ...actor, purpose: 'HOPERAT' }, 'p1'),
    sessionKey({ ...actor, parts: ['general', 'mental-health'] }, 'p1'),
    sessionKey({ person: 'Joy (joy)', role: 'nurse', purpose: 'TREAT' }, 'p1'),
    sessionKey({ ...actor, as: 'physician' }, 'p1'),
    sessionKey({ ...actor, exporting: true }, 'p1'),
    sessionKey(actor, 'p2'),
    // What one name may hold is not taken for two.
    sessionKey({ ...actor, person: 'Joy (joy)","nurse' }, 'p1'),
  ]
  expect(sessionKey({ ...actor }, 'p1')).toBe(sessionKey(actor, 'p1'))
  expect(new Set([sessionKey(actor, 'p1'), ...others]).size).toBe(others.length + 1)
})
