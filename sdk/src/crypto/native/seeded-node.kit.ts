import { native as node } from './node.ts'
import { seeded } from './seeded.kit.ts'

export const native = seeded(node)
