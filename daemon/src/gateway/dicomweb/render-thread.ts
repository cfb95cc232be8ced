import { serveFenced } from '@keepwell/adapters/base/fenced-thread'
import { runTask } from './render-task.ts'

serveFenced(runTask)
