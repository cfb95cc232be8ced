/** One finished request, for log and counters. Nothing of it identifies anyone. */
export type Observation = {
  readonly route: string
  readonly method: string
  readonly status: number
  readonly milliseconds: number
  readonly received: number
  readonly sent: number
}

export type Gauge = { readonly name: string; readonly about: string; readonly value: number; readonly type?: 'gauge' | 'counter' }

export type Metrics = { observe(o: Observation): void; render(gauges: readonly Gauge[]): string }

const BOUNDS = [0.005, 0.02, 0.1, 0.5, 2, 10]

type Series = { count: number; seconds: number; readonly buckets: number[] }

/** Counters in the Prometheus text format (https://prometheus.io/docs/instrumenting/exposition_formats/). */
export function metrics(): Metrics {
  const requests = new Map<string, number>()
  const durations = new Map<string, Series>()
  let received = 0
  let sent = 0
  return {
    observe(o) {
      const labels = `route="${o.route}",status="${o.status}"`
      requests.set(labels, (requests.get(labels) ?? 0) + 1)
      const series = durations.get(o.route) ?? { count: 0, seconds: 0, buckets: BOUNDS.map(() => 0) }
      durations.set(o.route, series)
      const seconds = o.milliseconds / 1000
      series.count++
      series.seconds += seconds
      BOUNDS.forEach((bound, i) => {
        if (seconds <= bound) series.buckets[i]!++
      })
      received += o.received
      sent += o.sent
    },
    render(gauges) {
      const lines: string[] = []
      const family = (name: string, type: string, about: string) => lines.push(`# HELP ${name} ${about}`, `# TYPE ${name} ${type}`)
      family('keepwell_http_requests_total', 'counter', 'Requests answered, by route and status.')
      for (const [labels, count] of requests) lines.push(`keepwell_http_requests_total{${labels}} ${count}`)
      family('keepwell_http_request_seconds', 'histogram', 'Time from the request line to the end of the answer.')
      for (const [route, series] of durations) lines.push(...histogram(route, series))
      for (const [name, value] of [['received', received] as const, ['sent', sent] as const]) {
        family(`keepwell_http_${name}_bytes_total`, 'counter', `Bytes of bodies ${name}.`)
        lines.push(`keepwell_http_${name}_bytes_total ${value}`)
      }
      for (const g of gauges) {
        family(g.name, g.type ?? 'gauge', g.about)
        lines.push(`${g.name} ${g.value}`)
      }
      return `${lines.join('\n')}\n`
    },
  }
}

function histogram(route: string, s: Series): string[] {
  const name = 'keepwell_http_request_seconds'
  return [
    ...BOUNDS.map((bound, i) => `${name}_bucket{route="${route}",le="${bound}"} ${s.buckets[i]}`),
    `${name}_bucket{route="${route}",le="+Inf"} ${s.count}`,
    `${name}_sum{route="${route}"} ${s.seconds.toFixed(6)}`,
    `${name}_count{route="${route}"} ${s.count}`,
  ]
}
