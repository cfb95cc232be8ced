import { type Keeping, type Reading, sealedMark } from '@keepwell/sdk/actions/sealed-mark'
import { bool, bytes, type Infer, int, list, object, string } from '@keepwell/sdk/base/shape'
import { did } from '@keepwell/sdk/identity/did'
import { accessRequest } from '@keepwell/sdk/wire/messages'

const sent = object({ id: bytes(16), did, at: int(), name: string(200), request: accessRequest })
/** Of a session nothing stays but when it was, and how far the relay's numbers had gone. */
const opened = object({ share: bytes(32), at: int(), seq: int() })
const desk = object({ clinician: bool, person: string(200), role: string(80), sent: list(sent, 500), opened: list(opened, 5000) })

export type DeskMemory = Infer<typeof desk>

const mark = sealedMark<DeskMemory>('desk', desk, { clinician: false, person: '', role: '', sent: [], opened: [] })

export const readDesk = (ctx: Reading): Promise<DeskMemory> => mark.read(ctx)

/** Changes what the desk remembers; the oldest of what was sent and opened is forgotten first. */
export async function changeDesk(ctx: Keeping, change: (d: DeskMemory) => DeskMemory): Promise<void> {
  const next = change(await readDesk(ctx))
  await mark.write(ctx, { ...next, sent: next.sent.slice(-500), opened: next.opened.slice(-5000) })
}
