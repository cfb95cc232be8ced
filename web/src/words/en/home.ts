export const home = {
  'home.summary': { one: '{count} record since {year}', other: '{count} records since {year}' },
  'home.summaryBare': { one: '{count} record', other: '{count} records' },
  'home.opening': '{said} · opening them …',
  'home.empty': 'Your record is ready, and empty',
  'home.emptyLead':
    'Add what you have: a download from a hospital or practice, lab results, images, PDFs. Each is read, sorted and sealed on this device.',
  'home.emptyAdd': 'Add your first records',
  'home.emptyJoin': 'I have an invitation link',
  'home.more': '{count} more',
  'home.places': 'What your record holds',
  'home.shares': { one: '{count} person may read a part of this', other: '{count} people may read a part of this' },
  'home.noShares': 'Nobody but you can read this.',
  'home.requests': { one: '{count} request waits for your answer', other: '{count} requests wait for your answer' },
  'emergency.link': 'Emergency card and access',
  'guarding.asks': '{name} asks you to be a guardian',
} as const
