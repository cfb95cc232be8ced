import { digestImages, lacksImageDigest } from '@keepwell/sdk/actions/records/digest-images'
import { openBodies } from '@keepwell/sdk/actions/records/open-bodies'
import type { ImagesView, OpenSeries, SeriesView, SeriesWanted } from '#rpc/images.ts'
import type { Call } from '#rpc/rpc.ts'
import { imagesOf, seriesNamed, seriesWith } from './images.ts'
import { itemOf } from './record.ts'
import type { OpenVault } from './vault.ts'

/** Images by study and series, and files for the viewers. */
export const imagesApi = (open: () => OpenVault) => ({
  images: async (_: null): Promise<ImagesView> => imagesOf(open().entries),
  /** Reads the headers of images that another device filed. */
  async readHeaders(_: null, { signal }: Call): Promise<void> {
    const vault = open()
    const unread = [...vault.entries.all()].map(i => i.entry).filter(lacksImageDigest)
    if (unread.length) await vault.run(ctx => digestImages(ctx, unread, { signal }))
  },
  series: async (record: string): Promise<OpenSeries | null> => seriesWith(open().entries, record),
  seriesFor: async ({ record, uids = [] }: SeriesWanted): Promise<readonly SeriesView[]> => {
    const { entries } = open()
    const own = record ? seriesWith(entries, record) : null
    return own ? [own] : seriesNamed(entries, uids)
  },
  /** Several records as they came, each proven whole; small ones are opened together, under one receipt. */
  async files(ids: readonly string[]): Promise<readonly Blob[]> {
    const vault = open()
    const entries = ids.map(id => itemOf(vault, id).entry)
    const out: Blob[] = []
    for await (const body of openBodies(vault.ctx, entries)) {
      const parts: Uint8Array[] = []
      for await (const part of body.chunks()) parts.push(part.slice())
      out.push(new Blob(parts as BlobPart[]))
    }
    return out
  },
})
