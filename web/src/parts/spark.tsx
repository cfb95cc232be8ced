type Line = { readonly x: readonly number[]; readonly y: readonly number[]; readonly outside: readonly boolean[] }

const WIDTH = 96
const HEIGHT = 30
const EDGE = 4

/** A line of values, small: its course, and dots where it was outside. Decoration beside the numbers, so hidden from screen readers. */
export const Spark = ({ lines }: { readonly lines: readonly Line[] }) => (
  <svg className="kw-spark" width={WIDTH} height={HEIGHT} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true">
    {lines.map((line, n) => {
      const points = line.x.map((x, i) => [EDGE + x * (WIDTH - 2 * EDGE), HEIGHT - EDGE - line.y[i]! * (HEIGHT - 2 * EDGE)] as const)
      return (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name
        <g key={n} data-line={n}>
          <polyline points={points.map(p => p.map(c => c.toFixed(1)).join(',')).join(' ')} />
          {points.map(([x, y], i) => line.outside[i] && <circle key={`${x} ${y}`} cx={x} cy={y} r={2.5} />)}
        </g>
      )
    })}
  </svg>
)
