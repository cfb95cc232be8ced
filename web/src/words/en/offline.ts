export const offline = {
  'offline.asOf': 'You see what was here as of {time}.',
  'offline.never': 'You see what is on this device.',
  'offline.waits': {
    one: '{count} record waits on this device, sealed, and is sent by itself.',
    other: '{count} records wait on this device, sealed, and are sent by themselves.',
  },
  'offline.waiting': 'waiting to be sent',
  'offline.waitingRecord':
    'This waits on this device, sealed, until the place that keeps your record answers. Nobody else can read it yet.',
  'offline.added': {
    one: '{count} of them waits on this device to be sent; you need do nothing.',
    other: '{count} of them wait on this device to be sent; you need do nothing.',
  },
  'offline.clock': 'The clock of this device is {span} {direction}. Nothing can be sent or fetched until it is set.',
  'offline.ahead': 'ahead',
  'offline.behind': 'behind',
  'offline.title': 'On this device',
  'offline.about':
    'Copies let you read without a connection. They are sealed as they are where your record is kept, and an erased record leaves them too.',
  'offline.keep': 'Keep a copy on this device',
  'offline.keep.recent': 'Of the summary and what was opened lately',
  'offline.keep.all': 'Of everything, as far as there is room',
  'offline.keep.none': 'Of nothing',
  'offline.kept': { one: '{count} record, {size}', other: '{count} records, {size}' },
  'offline.news': 'All news heard',
} as const
