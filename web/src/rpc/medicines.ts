import type { Row } from './views.ts'

/** `end` is null while it goes on. */
export type CourseView = { readonly start: string; readonly end: string | null }

export type MedicineView = {
  readonly title: string
  readonly current: boolean
  readonly courses: readonly CourseView[]
  /** Newest first, a few of them. */
  readonly rows: readonly Row[]
  readonly count: number
}
