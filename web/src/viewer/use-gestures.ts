import { type RefObject, useEffect, useRef } from 'react'
import type { Point } from './slices.ts'

/** What a hand does on the picture, in pixels of the screen from its corner. */
export type Gestures = {
  /** One finger or the main button; the second and the third button say so. */
  readonly press: (at: Point, button: 0 | 1 | 2) => void
  readonly drag: (from: Point, to: Point, button: 0 | 1 | 2) => void
  readonly release: (at: Point, moved: boolean, button: 0 | 1 | 2) => void
  readonly hover: (at: Point) => void
  readonly pinch: (factor: number, from: Point, to: Point) => void
  /** @returns whether it was used; what is not used scrolls the page. */
  readonly wheel: (steps: number, at: Point, zoom: boolean) => boolean
}

const SLACK = 4
/** Pixels of a wheel's turn that make one step; a mouse turns by about a hundred at a time. */
const NOTCH = 60

const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]
const apart = (a: Point, b: Point): number => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]))

/** Listens to pointers and the wheel on an element. */
export function useGestures(element: RefObject<HTMLElement | null>, gestures: Gestures): void {
  const latest = useRef(gestures)
  latest.current = gestures
  useEffect(() => {
    const box = element.current
    if (!box) return
    const at = (e: PointerEvent | WheelEvent): Point => {
      const edge = box.getBoundingClientRect()
      return [e.clientX - edge.left, e.clientY - edge.top]
    }
    const down = new Map<number, Point>()
    let start: Point = [0, 0]
    let button: 0 | 1 | 2 = 0
    let pinched = false
    const press = (e: PointerEvent): void => {
      if (e.button > 2) return
      if (e.button === 1) e.preventDefault()
      box.setPointerCapture(e.pointerId)
      down.set(e.pointerId, at(e))
      if (down.size === 1) {
        start = at(e)
        button = e.button as 0 | 1 | 2
        pinched = false
        latest.current.press(start, button)
      }
    }
    const move = (e: PointerEvent): void => {
      const before = down.get(e.pointerId)
      const now = at(e)
      if (!before) {
        latest.current.hover(now)
        return
      }
      if (down.size === 1 && !pinched) latest.current.drag(before, now, button)
      else if (down.size === 2) {
        const other = [...down].find(([id]) => id !== e.pointerId)![1]
        pinched = true
        latest.current.pinch(apart(now, other) / apart(before, other), middle(before, other), middle(now, other))
      }
      down.set(e.pointerId, now)
    }
    const up = (e: PointerEvent): void => {
      if (!down.delete(e.pointerId) || pinched) return
      latest.current.release(at(e), apart(at(e), start) > SLACK, button)
    }
    let turned = 0
    const wheel = (e: WheelEvent): void => {
      const pixels = e.deltaMode === 0 ? e.deltaY : e.deltaY * 33
      turned += pixels
      const steps = Math.trunc(turned / NOTCH)
      turned -= steps * NOTCH
      if (latest.current.wheel(steps, at(e), e.ctrlKey)) e.preventDefault()
    }
    const stop = (e: Event): void => e.preventDefault()
    box.addEventListener('pointerdown', press)
    box.addEventListener('pointermove', move)
    box.addEventListener('pointerup', up)
    box.addEventListener('pointercancel', up)
    box.addEventListener('wheel', wheel, { passive: false })
    box.addEventListener('contextmenu', stop)
    return () => {
      box.removeEventListener('pointerdown', press)
      box.removeEventListener('pointermove', move)
      box.removeEventListener('pointerup', up)
      box.removeEventListener('pointercancel', up)
      box.removeEventListener('wheel', wheel)
      box.removeEventListener('contextmenu', stop)
    }
  }, [element])
}
