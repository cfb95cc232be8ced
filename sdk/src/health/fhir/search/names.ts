/** Under which names a resource is referred to: its own, `urn:uuid:` with its id, and the full URLs it came with. */
import { targetOf } from './reference.ts'

type Owner = readonly [type: string, id: string]

export type Names = {
  readonly note: (type: string, id: string, fullUrl?: string) => void
  readonly forget: (type: string, id: string) => void
  readonly of: (type: string, id: string) => readonly string[]
  /** What a literal reference leads to, whether or not it is there; null when it leads elsewhere. */
  readonly owner: (reference: string) => Owner | null
}

const URN = 'urn:uuid:'

export function names(bases: readonly string[]): Names {
  const byUrl = new Map<string, Owner>()
  const urls = new Map<string, string[]>()
  /** Types by logical id; lists of one are shared. */
  const byId = new Map<string, readonly string[]>()
  const alone = new Map<string, readonly string[]>()

  const noteId = (type: string, id: string): void => {
    const known = byId.get(id)
    if (known?.includes(type)) return
    const single = alone.get(type) ?? [type]
    alone.set(type, single)
    byId.set(id, known ? [...known, type] : single)
  }
  const plain = (reference: string): Owner | null => {
    if (reference.startsWith(URN)) {
      const id = reference.slice(URN.length)
      const [type, ...more] = byId.get(id) ?? []
      return type !== undefined && !more.length ? [type, id] : null
    }
    const target = targetOf(reference, bases)
    return target?.type && target.id && target.key === `${target.type}/${target.id}` ? [target.type, target.id] : null
  }
  return {
    note: (type, id, fullUrl) => {
      noteId(type, id)
      if (!fullUrl || byUrl.has(fullUrl) || fullUrl === `${URN}${id}` || targetOf(fullUrl, bases)?.key === `${type}/${id}`) return
      byUrl.set(fullUrl, [type, id])
      const key = `${type}/${id}`
      urls.set(key, [...(urls.get(key) ?? []), fullUrl])
    },
    forget: (type, id) => {
      const key = `${type}/${id}`
      for (const url of urls.get(key) ?? []) byUrl.delete(url)
      urls.delete(key)
      const types = byId.get(id)?.filter(t => t !== type) ?? []
      if (types.length) byId.set(id, types)
      else byId.delete(id)
    },
    of: (type, id) => {
      const own = `${type}/${id}`
      const more = urls.size ? urls.get(own) : undefined
      return more ? [own, `${URN}${id}`, ...more] : [own, `${URN}${id}`]
    },
    owner: reference => byUrl.get(reference) ?? plain(reference),
  }
}
