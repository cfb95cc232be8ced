/** A link without an account, as its owner sees it. */
export type LinkView = {
  readonly id: string
  readonly label: string
  /** With a page in front; null when this device cannot show it any more. */
  readonly link: string | null
  readonly until: number
  readonly created: number
  readonly passcode: boolean
  /** Wrong passcodes left. */
  readonly attempts: number
  readonly opened: number
  readonly lastOpened: number | null
  readonly ended: boolean
}

export type NewLink = {
  readonly label: string
  /** Unix seconds. */
  readonly until: number
  /** Empty: none. */
  readonly passcode: string
  /** Parts whose records the summary is made of. */
  readonly parts: readonly string[]
}

export type LinkLine = {
  readonly what: string
  readonly date: string
  readonly status: string
  readonly more: string
  readonly danger: boolean
}
export type LinkSection = {
  readonly title: string
  readonly code: string
  readonly lines: readonly LinkLine[]
  readonly words: string
  /** It says of itself that there is no information. */
  readonly unavailable: boolean
}
/** A patient summary, by its sections. */
export type SummaryView = {
  readonly name: string
  readonly birthDate: string
  readonly date: string
  readonly sections: readonly LinkSection[]
}
export type CardView = {
  readonly issuer: string
  readonly holds: boolean
  readonly problem: string | null
  readonly lines: readonly LinkLine[]
  /** Its text for each code that it takes to show it. */
  readonly codes: readonly string[]
}
/** Of a card in several codes, so many are there. */
export type CardPart = { readonly kind: 'part'; readonly have: number; readonly of: number }
/** Cards, checked just now; `content` is what they were read from. */
export type CardsRead = { readonly kind: 'cards'; readonly content: string; readonly cards: readonly CardView[] }

/** What a link shows, read in the worker: text only. */
export type LinkContent = {
  readonly label: string
  readonly summaries: readonly SummaryView[]
  readonly cards: readonly CardView[]
  /** Of everything else. */
  readonly records: readonly LinkLine[]
  /** Each file as it came, to be saved. */
  readonly files: readonly { readonly type: string; readonly bytes: Uint8Array }[]
}

export type OpenLinkInput = { readonly link: string; readonly recipient: string; readonly passcode: string }
/** Instead of its content: a passcode is wanted; how many tries are left, when that was said. */
export type LinkAsks = { readonly asks: 'passcode'; readonly wrong: boolean; readonly remaining: number | null }
