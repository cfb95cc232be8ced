import { toHex } from '#base/bytes'
import type { Chest, ChestPart, ChestRow } from '#ports/chest'

export function memoryChest(): Chest {
  const held = new Map<string, { row: ChestRow; parts: readonly ChestPart[] }>()
  let most = Number.POSITIVE_INFINITY
  const weight = (parts: readonly ChestPart[]): number => parts.reduce((n, p) => n + p.bytes.length, 0)
  const total = (): number => [...held.values()].reduce((n, h) => n + weight(h.parts), 0)
  const inOrder = (): ChestRow[] => [...held.values()].map(h => h.row).sort((a, b) => a.at - b.at)
  const makeRoom = (): void => {
    for (const row of inOrder()) if (total() > most) held.delete(toHex(row.id))
  }
  return {
    async put(row, parts) {
      if (weight(parts) > most) return
      held.set(toHex(row.id), { row, parts })
      makeRoom()
    },
    get: async id => held.get(toHex(id))?.row.sealed ?? null,
    part: async (id, name) => held.get(toHex(id))?.parts.find(p => p.name === name)?.bytes ?? null,
    async touch(ids, at) {
      for (const id of ids) {
        const found = held.get(toHex(id))
        if (found) held.set(toHex(id), { ...found, row: { ...found.row, at } })
      }
    },
    async drop(ids) {
      for (const id of ids) held.delete(toHex(id))
    },
    all: async () => inOrder(),
    size: async () => ({ records: held.size, bytes: total() }),
    async limit(bytes) {
      most = bytes
      makeRoom()
    },
    async close() {},
  }
}
