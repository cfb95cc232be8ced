// For the test of the mapper: a thread that one message ends.
import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import type { MapAsk, MapReply } from './mapper.ts'

serveFenced((asks: readonly MapAsk[]): MapReply[] =>
  asks.map(({ patient }) => (patient === 'poison' ? process.exit(3) : { resources: [], unsound: 0, merged: [patient] })),
)
