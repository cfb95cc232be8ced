export const error = {
  'error.title': 'That did not work',
  'error.HELD_UNREACHABLE':
    'This lies at the organisation that wrote it, and it does not answer or no longer has it. Try again later, or ask there.',
  'error.HELD_REFUSED':
    'The organisation that wrote this keeps it, and refuses to give it. Everything else that is shared stays open. Ask there.',
  'error.HELD_ALTERED': 'What the organisation keeps is no longer what it signed, so it was not opened. Ask there.',
  'error.RELAY_UNREACHABLE': 'The place that keeps your record does not answer. Check your connection and try again.',
  'error.WEAK_PASSPHRASE':
    'This is among the first that anybody would try. Four ordinary words that do not belong together are hard to guess and easy to remember.',
  'error.WRONG_PASSPHRASE': 'This passphrase does not open it. Check capitals and the keyboard, and try again.',
  'error.NO_KEY': 'This device holds no key for that. It may have been removed, or the passkey is another one.',
  'error.WRONG_WORDS': 'These words open no record here. Check spelling and order: 24 words, as you wrote them down.',
  'error.BAD_INPUT': 'Something in what was given is not right. Check it and try again.',
  'error.BAD_LINK': 'This is not a Keepwell invitation. Copy the whole link and paste it again.',
  'error.NOT_SUPPORTED': 'This passkey or browser cannot protect keys. Choose a passphrase instead.',
  'error.CANCELLED': 'It was called off; nothing changed.',
  'error.NEEDS_RELAY':
    'A share is given or ended only while the place that keeps your record answers, and it does not answer now. Nothing is done later by itself: take it that this share is as it was, and try again.',
  'error.AGAINST_POLICY': 'A rule in force here stands against this: {why} Nothing was shared.',
  'error.DENIED': 'Access was refused: the share has ended or does not cover this.',
  'error.NO_GRANT': 'There is no share for this any more.',
  'error.INVITATION_USED': 'This invitation was used or has expired. Ask for a new one.',
  'error.UNKNOWN_PARTY': "That person's record cannot be reached. Ask them for a new invitation.",
  'error.UNVERIFIED': 'You have not met this person yet. Exchange an invitation first.',
  'error.NOT_FOUND': 'It is not here. It may have been erased on another device.',
  'error.STORAGE_FULL': 'No space is left. Free some and try again; nothing that was confirmed is lost.',
  'error.STORAGE_FAILED': "The browser's storage failed. Close other tabs of this page and try again.",
  'error.CLOCK_SKEW': 'The clock of this device is more than five minutes off. Set it and try again.',
  'error.RATE_LIMITED': 'Too much at once. Wait a moment and try again.',
  'error.BAD_SIGNATURE': 'A signature does not hold. Nothing was opened.',
  'error.HEAD_ROLLBACK':
    'The place that keeps your record shows an older state than this device has seen. Do not go on before that is explained.',
  'error.TOO_LARGE': 'This is too large to open here. Save a copy instead.',
  'error.PROVE_AGAIN': 'Nothing was done: this needs you to show that it is you.',
  'error.LOCKED': 'The record is locked.',
  'error.other': 'Something went wrong ({code}). Nothing that was confirmed is lost.',
} as const
