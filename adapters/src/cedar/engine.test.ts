import { policyEngineSuite } from '@keepwell/sdk/ports/policy-engine.suite'
import { openCedar } from './node.ts'

policyEngineSuite('Cedar', openCedar)
