/** What a device is woken with, and where it is turned on; the guard of the app shows the first. */
export const wake = {
  'wake.own': 'Somebody opens your emergency record',
  'wake.ownText': 'Open Keepwell to see who, and to object.',
  'wake.other': 'Somebody may be in an emergency',
  'wake.otherText': 'They named you to be told, and their emergency record is being opened. If you can reach them, please do.',
  'wake.any': 'There is news in Keepwell',
  'wake.anyText': 'Open Keepwell to see it.',
} as const
