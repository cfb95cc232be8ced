import { loadChecker } from '@keepwell/sdk/health/fhir/check'
import { serveFenced } from '#base/fenced-thread'
import type { CcdaAsk } from './ccda.ts'
import { readCcda } from './read.ts'
import { writeCcda } from './write.ts'

serveFenced(async (ask: CcdaAsk) => ('read' in ask ? readCcda(ask.read, await loadChecker()) : writeCcda(ask)))
