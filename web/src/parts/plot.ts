import 'uplot/dist/uPlot.min.css'
import UPlot from 'uplot'

/** One line of a chart: values over time, each with its own range. NaN stands for no limit. */
export type ChartLine = {
  readonly label: string
  /** Unix seconds, rising. */
  readonly at: Float64Array
  readonly value: Float64Array
  readonly low: Float64Array
  readonly high: Float64Array
  /** 0 inside, 1 low, 2 high, 3 abnormal. */
  readonly outside: Uint8Array
}

export type PlotOptions = {
  readonly lines: readonly ChartLine[]
  readonly locale: string
  /** The values under the pointer, or null when it left. */
  readonly onPoint: (point: { readonly at: number; readonly values: readonly (number | null)[] } | null) => void
}

export type Plot = {
  /** Shows a stretch of time, in Unix seconds; null for all of it. */
  show(window: { readonly from: number; readonly to: number } | null): void
  close(): void
}

const HEIGHT = 320
const DAY = 86_400
/** Colours by their tokens; on paper those of the light theme, whatever the screen shows. */
const TOKENS = {
  ink: '--kw-ink',
  dim: '--kw-dim',
  line: '--kw-line',
  brand: '--kw-brand',
  accent: '--kw-accent',
  bad: '--kw-bad',
  band: '--kw-brand-soft',
  surface: '--kw-surface',
} as const
type Colours = Readonly<Record<keyof typeof TOKENS, string>>
const PAPER: Colours = {
  ink: '#000',
  dim: '#444',
  line: '#ccc',
  brand: '#683778',
  accent: '#b4581a',
  bad: '#a3261d',
  band: '#f0e4f4',
  surface: '#fff',
}

function coloursOf(element: Element): Colours {
  const style = getComputedStyle(element)
  return Object.fromEntries(Object.entries(TOKENS).map(([name, token]) => [name, style.getPropertyValue(token).trim()])) as Colours
}

/** Draws into an element, follows its width and the theme, and lets go of both when closed. */
export function openPlot(box: HTMLElement, { lines, locale, onPoint }: PlotOptions): Plot {
  let colours = coloursOf(box)
  const font = `13px ${getComputedStyle(box).fontFamily}`
  const strokes = (index: number): string => (index === 0 ? colours.brand : colours.accent)
  const dim = (): string => colours.dim
  const axis = { stroke: dim, font, grid: { stroke: () => colours.line, width: 1 }, ticks: { stroke: () => colours.line, width: 1 } }
  const format = new Intl.NumberFormat(locale, { maximumFractionDigits: 4 })
  const extent = wholeExtent(lines)
  const plot = new UPlot(
    {
      width: Math.max(200, box.clientWidth),
      height: HEIGHT,
      tzDate: seconds => UPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      legend: { show: false },
      scales: {
        x: { time: true, range: (_, from, to) => (to - from < DAY ? [from - 30 * DAY, to + 30 * DAY] : [from, to]) },
        y: { range: (u, least, most) => valueRange(u, lines, least, most) },
      },
      series: [
        {},
        ...lines.map((line, i) => ({
          label: line.label,
          stroke: () => strokes(i),
          width: 2,
          spanGaps: true,
          points: {
            show: (_: UPlot, __: number, from: number, to: number) => to - from < 200,
            size: 7,
            stroke: () => strokes(i),
            fill: () => colours.surface,
          },
        })),
      ],
      axes: [
        { ...axis, space: 90, values: (_, splits, __, ___, step) => splits.map(s => timeLabel(locale, s, step)) },
        { ...axis, size: 58, values: (_, splits) => splits.map(s => format.format(s)) },
      ],
      cursor: { drag: { x: true, y: false }, points: { size: 9 } },
      hooks: {
        drawClear: [u => drawBands(u, lines, colours)],
        draw: [u => drawMarks(u, lines, colours)],
        setCursor: [u => onPoint(pointUnder(u, lines.length))],
      },
    },
    dataOf(lines),
    box,
  )
  const redraw = (next: Colours): void => {
    colours = next
    plot.redraw(false, true)
  }
  const resize = new ResizeObserver(() => plot.setSize({ width: Math.max(200, box.clientWidth), height: HEIGHT }))
  resize.observe(box)
  const theme = new MutationObserver(() => redraw(coloursOf(box)))
  theme.observe(document.documentElement, { attributes: true, attributeFilter: ['data-mantine-color-scheme'] })
  const toPaper = (): void => redraw(PAPER)
  const toScreen = (): void => redraw(coloursOf(box))
  window.addEventListener('beforeprint', toPaper)
  window.addEventListener('afterprint', toScreen)
  return {
    show: wanted => plot.setScale('x', wanted ? { min: wanted.from, max: wanted.to } : { min: extent.from, max: extent.to }),
    close() {
      resize.disconnect()
      theme.disconnect()
      window.removeEventListener('beforeprint', toPaper)
      window.removeEventListener('afterprint', toScreen)
      plot.destroy()
    },
  }
}

const wholeExtent = (lines: readonly ChartLine[]) => ({
  from: Math.min(...lines.map(l => l.at[0] ?? Number.POSITIVE_INFINITY)),
  to: Math.max(...lines.map(l => l.at.at(-1) ?? Number.NEGATIVE_INFINITY)),
})

/** Lines of one time axis; a pair mostly has the same times. */
function dataOf(lines: readonly ChartLine[]): UPlot.AlignedData {
  const [first, ...others] = lines
  const same = others.every(l => l.at.length === first!.at.length && l.at.every((t, i) => t === first!.at[i]))
  if (same && risesStrictly(first!.at)) return [first!.at, ...lines.map(l => l.value)] as unknown as UPlot.AlignedData
  return UPlot.join(lines.map(l => [Array.from(l.at), Array.from(l.value)] as UPlot.AlignedData)) as UPlot.AlignedData
}

const risesStrictly = (at: Float64Array): boolean => at.every((t, i) => i === 0 || t >= at[i - 1]!)

/** Values in view and the ranges beside them, with some air. */
function valueRange(u: UPlot, lines: readonly ChartLine[], least: number, most: number): [number, number] {
  let low = least ?? 0
  let high = most ?? 1
  for (const line of lines) {
    const [from, to] = inView(u, line)
    for (const i of [from, (from + to) >> 1, to - 1]) {
      const l = line.low[i]
      const h = line.high[i]
      if (l !== undefined && Number.isFinite(l)) low = Math.min(low, l)
      if (h !== undefined && Number.isFinite(h)) high = Math.max(high, h)
    }
  }
  const air = (high - low || Math.abs(high) || 1) * 0.1
  return [low >= 0 ? Math.max(0, low - air) : low - air, high + air]
}

/** The first and one past the last point in view, with a neighbour on either side. */
function inView(u: UPlot, { at }: ChartLine): [number, number] {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = u.scales.x ?? {}
  return [Math.max(0, lowerBound(at, min ?? 0) - 1), Math.min(at.length, lowerBound(at, max ?? 0) + 1)]
}

function lowerBound(sorted: Float64Array, value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** The reference range as a band, each point's up to half-way to its neighbours; equal ones are drawn as one. */
function drawBands(u: UPlot, lines: readonly ChartLine[], colours: Colours): void {
  const { ctx, bbox } = u
  ctx.save()
  ctx.beginPath()
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  ctx.clip()
  ctx.fillStyle = colours.band
  for (const line of lines) {
    const [from, to] = inView(u, line)
    const edge = (i: number): number =>
      i <= 0 ? Number.NEGATIVE_INFINITY : i >= line.at.length ? Number.POSITIVE_INFINITY : (line.at[i - 1]! + line.at[i]!) / 2
    // Whole pixels, or else neighbouring bands would show a seam.
    const x = (time: number): number => {
      const place = Number.isFinite(time) ? u.valToPos(time, 'x', true) : time
      return Math.round(Math.max(bbox.left, Math.min(bbox.left + bbox.width, place)))
    }
    for (let start = from; start < to; ) {
      let end = start + 1
      while (end < to && Object.is(line.low[end], line.low[start]) && Object.is(line.high[end], line.high[start])) end++
      const low = line.low[start]!
      const high = line.high[start]!
      if (Number.isFinite(low) || Number.isFinite(high)) {
        const top = Number.isFinite(high) ? u.valToPos(high, 'y', true) : bbox.top
        const bottom = Number.isFinite(low) ? u.valToPos(low, 'y', true) : bbox.top + bbox.height
        ctx.fillRect(x(edge(start)), top, x(edge(end)) - x(edge(start)), bottom - top)
      }
      start = end
    }
  }
  ctx.restore()
}

/** Values outside as symbols: upwards, downwards, or a diamond. At most one of a kind for each column of pixels. */
function drawMarks(u: UPlot, lines: readonly ChartLine[], colours: Colours): void {
  const { ctx, bbox } = u
  const size = 6 * devicePixelRatio
  ctx.save()
  ctx.beginPath()
  // The first and the last stand on the edge; they are not cut in half.
  ctx.rect(bbox.left - 2 * size, bbox.top - size, bbox.width + 4 * size, bbox.height + 2 * size)
  ctx.clip()
  ctx.fillStyle = colours.bad
  ctx.strokeStyle = colours.surface
  ctx.lineWidth = 1.5 * devicePixelRatio
  for (const line of lines) {
    const [from, to] = inView(u, line)
    const last = [-10, -10, -10, -10]
    // The axis is linear; asking for each of a hundred thousand places is what would take the time.
    const zero = u.valToPos(0, 'x', true)
    const scale = (u.valToPos(DAY, 'x', true) - zero) / DAY
    const place = (time: number): number => zero + time * scale
    for (let i = from; i < to; i++) {
      const kind = line.outside[i]!
      if (kind === 0) continue
      const x = place(line.at[i]!)
      if (x - last[kind]! < 3) continue
      last[kind] = x
      symbol(ctx, kind, x, u.valToPos(line.value[i]!, 'y', true), size)
    }
  }
  ctx.restore()
}

function symbol(ctx: CanvasRenderingContext2D, kind: number, x: number, y: number, size: number): void {
  const corners =
    kind === 3
      ? ([
          [0, -1],
          [1, 0],
          [0, 1],
          [-1, 0],
        ] as const)
      : kind === 2
        ? ([
            [0, -1],
            [1, 0.8],
            [-1, 0.8],
          ] as const)
        : ([
            [0, 1],
            [1, -0.8],
            [-1, -0.8],
          ] as const)
  ctx.beginPath()
  for (const [dx, dy] of corners) ctx.lineTo(x + dx * size, y + dy * size)
  ctx.closePath()
  ctx.fill()
  ctx.stroke()
}

function pointUnder(u: UPlot, lines: number): Parameters<PlotOptions['onPoint']>[0] {
  const index = u.cursor.idx
  const at = index === null || index === undefined || (u.cursor.left ?? -1) < 0 ? undefined : u.data[0][index]
  return at === undefined ? null : { at, values: Array.from({ length: lines }, (_, i) => u.data[i + 1]?.[index!] ?? null) }
}

const formats = new Map<string, Intl.DateTimeFormat>()

function timeLabel(locale: string, seconds: number, step: number): string {
  const kind = step >= 360 * DAY ? 'year' : step >= 27 * DAY ? 'month' : step >= DAY ? 'day' : 'time'
  const options: Intl.DateTimeFormatOptions =
    kind === 'year'
      ? { year: 'numeric' }
      : kind === 'month'
        ? { year: 'numeric', month: 'short' }
        : kind === 'day'
          ? { day: 'numeric', month: 'short' }
          : { hour: '2-digit', minute: '2-digit' }
  const name = `${locale} ${kind}`
  const format = formats.get(name) ?? new Intl.DateTimeFormat(locale, { ...options, timeZone: 'UTC' })
  formats.set(name, format)
  return format.format(seconds * 1000)
}
