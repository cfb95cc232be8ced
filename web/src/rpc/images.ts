/** Images as the page lists them. A series is named by the record of its first file, so that no identifier of a hospital's stands in a link. */
export type SeriesView = {
  readonly id: string
  readonly title: string
  readonly modality: string
  readonly bodyPart: string
  readonly number: number | null
  /** Pictures: files, and the frames in them. */
  readonly pictures: number
  /** The file in its middle, when it is small enough to be opened for a small picture. */
  readonly cover?: string
}

export type StudyView = {
  readonly id: string
  readonly title: string
  readonly date: string
  readonly series: readonly SeriesView[]
}

export type ImagesView = {
  readonly studies: readonly StudyView[]
  /** Images whose headers this device has not read yet. */
  readonly unread: number
}

export type SeriesFile = { readonly id: string; readonly frames: number }
export type OpenSeries = SeriesView & { readonly study: string; readonly date: string; readonly files: readonly SeriesFile[] }

/** What is asked for when a record may belong to a series: itself, or the identifiers that it names. */
export type SeriesWanted = { readonly record?: string; readonly uids?: readonly string[] }
