import { useEffect, useState } from 'react'
import { type OpenRecord, useVault } from '#client/context.tsx'
import { Glyph } from '#parts/icon.tsx'

type Api = OpenRecord['api']
type Wanted = { readonly id: string; readonly media: string; readonly done: (url: string | null) => void }

/** Milliseconds that a line stays in view before its file is opened: what is flicked past is not. */
const STAYED = 350
/** Opened together, with one line in the owner's own log where there is no copy here. */
const TOGETHER = 8
/** Pictures remembered; some five kilobytes each. */
const KEPT = 400

/**
 * Small pictures are kept in the page's memory alone, for as long as the vault is open: so there is nothing at rest that an erasure would have to
 * find, and locking forgets them. Drawing one again costs little, for what was opened lately has its sealed copy here.
 */
type Shelf = { readonly made: Map<string, string | null>; readonly queue: Wanted[]; busy: boolean }
const shelves = new WeakMap<object, Shelf>()

function shelfOf(api: Api): Shelf {
  const shelf = shelves.get(api) ?? { made: new Map(), queue: [], busy: false }
  shelves.set(api, shelf)
  return shelf
}

async function work(api: Api, shelf: Shelf): Promise<void> {
  if (shelf.busy) return
  shelf.busy = true
  while (shelf.queue.length) {
    const some = shelf.queue.splice(0, TOGETHER)
    const files = await api.files(some.map(w => w.id)).catch(() => [])
    const { drawThumb } = await import('#viewer/thumb.ts')
    for (const [i, { id, media, done }] of some.entries()) {
      const file = files.length === some.length ? files[i] : undefined
      const url = file ? await drawThumb(media, new Uint8Array(await file.arrayBuffer())) : null
      // One that could not be fetched is tried again when it is next in view.
      if (file) shelf.made.set(id, url)
      for (const old of [...shelf.made.keys()].slice(0, -KEPT)) shelf.made.delete(old)
      done(url)
    }
  }
  shelf.busy = false
}

type ThumbProps = { readonly id: string; readonly type: string; readonly media: string; readonly large?: boolean }

/** A small picture in the place of a line's sign, of the same size, once the line has stayed in view. */
export function Thumb({ id, type, media, large }: ThumbProps) {
  const { api } = useVault()
  const [url, setUrl] = useState(() => shelfOf(api).made.get(id) ?? null)
  useEffect(() => {
    const shelf = shelfOf(api)
    if (shelf.made.has(id)) return
    let gone = false
    const wanted: Wanted = { id, media, done: made => gone || setUrl(made) }
    const timer = setTimeout(() => {
      shelf.queue.push(wanted)
      void work(api, shelf)
    }, STAYED)
    return () => {
      gone = true
      clearTimeout(timer)
      const at = shelf.queue.indexOf(wanted)
      if (at >= 0) shelf.queue.splice(at, 1)
    }
  }, [api, id, media])
  return <span className={large ? 'kw-thumb kw-thumb-large' : 'kw-thumb'}>{url ? <img src={url} alt="" /> : <Glyph type={type} />}</span>
}
