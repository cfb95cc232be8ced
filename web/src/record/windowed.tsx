import { useCallback, useRef, useState } from 'react'
import { type Drawn, VirtualList } from '#parts/virtual-list.tsx'

/** Rows fetched at once. */
export const BLOCK = 100

type Answer<T> = { readonly found: { readonly token: number; readonly items: number }; readonly first: readonly T[] }
type Window = { readonly token: number; readonly from: number; readonly to: number }

type WindowedProps<T> = {
  readonly answer: Answer<T>
  /** Fetches items `from…to` of the answer that the token names. */
  readonly load: (window: Window) => Promise<readonly T[]>
  readonly label: string
  /** Of a line, in pixels. */
  readonly height: number
  readonly draw: (item: T) => Drawn
}

/** The items of an answer, fetched from the worker and drawn by windows. The first block comes with the answer. */
export function Windowed<T>({ answer, load, label, height, draw }: WindowedProps<T>) {
  const { found, first } = answer
  const blocks = useRef({ token: -1, items: new Map<number, readonly T[]>(), asked: new Set<number>() })
  const [, redraw] = useState(0)
  if (blocks.current.token !== found.token) blocks.current = { token: found.token, items: new Map([[0, first]]), asked: new Set([0]) }
  const onRange = useCallback(
    (from: number, to: number) => {
      const mine = blocks.current
      if (mine.token !== found.token) return
      for (let b = Math.floor(from / BLOCK); b * BLOCK < to; b++) {
        if (mine.asked.has(b)) continue
        mine.asked.add(b)
        load({ token: mine.token, from: b * BLOCK, to: (b + 1) * BLOCK }).then(
          items => {
            mine.items.set(b, items)
            if (blocks.current === mine) redraw(x => x + 1)
          },
          () => mine.asked.delete(b),
        )
      }
    },
    [load, found.token],
  )
  const render = (index: number) => {
    const item = blocks.current.items.get(Math.floor(index / BLOCK))?.[index % BLOCK]
    return item === undefined ? { content: null } : draw(item)
  }
  return <VirtualList label={label} count={found.items} height={height} render={render} onRange={onRange} />
}
