import type { Catalog } from '@keepwell/sdk/ports/catalog'

type Word = { readonly ids: readonly Uint8Array[] } | { readonly held: true }
type Heard = { readonly rows: (ids: readonly Uint8Array[]) => Promise<void>; readonly held: () => Promise<void> }

/** Other tabs of the same record: what one notes or drops in the catalog both share, the others hear of and read again. */
export function tellTabs(name: string, catalog: Catalog) {
  const channel = new BroadcastChannel(name)
  const say = (word: Word): void => channel.postMessage(word)
  return {
    catalog: {
      ...catalog,
      async note(rows) {
        await catalog.note(rows)
        say({ ids: rows.map(r => r.id) })
      },
      async drop(ids) {
        await catalog.drop(ids)
        say({ ids })
      },
    } satisfies Catalog,
    held: () => say({ held: true }),
    hear(heard: Heard): void {
      channel.onmessage = ({ data }: MessageEvent<Word>) => void ('ids' in data ? heard.rows(data.ids) : heard.held()).catch(() => {})
    },
    close: () => channel.close(),
  }
}
