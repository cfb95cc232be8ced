export const release = {
  'release.refusedTitle': 'This app was offered in a form its makers did not sign',
  'release.refused':
    'The place that serves this app offers an app that its makers did not sign. You keep using the one you have; your record is not touched.',
  'release.why.unsigned': 'It carries no signature that holds.',
  'release.why.other-key': 'It is signed by others than the app you have.',
  'release.why.older': 'It is older than the app you have.',
  'release.why.twice': 'It bears the number of the app you have, and is another.',
  'release.why.altered': 'A part of it is not as it was signed.',
  'release.details': 'Details',
  'release.ready': 'A new version is here, signed by its makers. It is used when you open the app again.',
  'release.reopen': 'Open it now',
  'release.replacedTitle': 'The guard of this app was exchanged',
  'release.replaced':
    'The place that serves this app has put another program in front of it, and its makers announced none. Your record was locked. It is still sealed, here and where it is kept.',
  'release.replacedDo':
    'Close every window of the app. Do not enter your passphrase or your recovery words at this address again until the people who run it have explained this. On another device, or with the command line, you can go on.',
  'release.replacedClose': 'Show the locked app all the same',
  'release.title': 'The app itself',
  'release.about':
    'Each time the app is used, every file of it is compared with what its makers signed. Compare their key with the one they publish.',
  'release.version': 'Version',
  'release.key': 'Key of its makers',
  'release.state': 'State',
  'release.good': 'As signed',
  'release.bad': 'Something unsigned was offered and refused',
  'release.none': 'Not under guard in this window: a first visit, a private window, or a page reloaded by force.',
  'release.check': 'Compare every file now',
  'release.checked': 'Every file that is served now is the one that was signed.',
  'release.unreached': 'The place that serves the app cannot be reached; what is installed is as signed.',
  'release.trust': 'Trust these makers instead',
  'release.trustTitle': 'Take the app from other makers?',
  'release.trustNote':
    'Do this only if you know why the key changed, for example because you built the app anew yourself, and the key below is the one you were told by other means than this page. From then on this app is theirs, and it can read what you open.',
  'release.trustGo': 'Trust this key',
} as const
