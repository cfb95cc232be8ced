import type { Locale } from './words.ts'

/** What the checkers of FHIR and DICOM say, which is English, in the other languages. */
const ISSUES: Readonly<Record<Exclude<Locale, 'en'>, Readonly<Record<string, string>>>> = {
  de: {
    'Missing required property': 'Eine Angabe fehlt, die es geben muss',
    'Property that FHIR R4 does not know here': 'Eine Angabe, die FHIR R4 hier nicht kennt',
    'Holds a resource of a type that FHIR R4 does not have': 'Enthält etwas von einer Art, die es in FHIR R4 nicht gibt',
    'More than one type of a choice element is present': 'Eine Angabe steht in mehr als einer Form da',
    'Not one of the codes that FHIR requires here': 'Keiner der Codes, die FHIR hier verlangt',
    'None of the codings is of the value set that FHIR requires here': 'Keine der Codierungen ist aus der Menge, die FHIR hier verlangt',
    'A reference needs a reference, an identifier or a display': 'Ein Verweis sagt nicht, worauf er zeigt',
    'The reference points to a contained resource that is not there': 'Der Verweis zeigt auf etwas Enthaltenes, das nicht da ist',
    'The reference points to a type that is not allowed here': 'Der Verweis zeigt auf eine Art, die hier nicht erlaubt ist',
    'The reference names a type that FHIR R4 does not have': 'Der Verweis nennt eine Art, die es in FHIR R4 nicht gibt',
    'Not a reference: expected Type/id, an absolute URL, a urn or #id': 'Das ist kein Verweis',
    'Reference.type differs from the type in the reference': 'Der Verweis nennt zwei verschiedene Arten',
    'A urn:uuid must be a UUID in lower case': 'Eine urn:uuid muss eine UUID in Kleinbuchstaben sein',
    'A urn:oid must be a valid OID': 'Eine urn:oid muss eine gültige OID sein',
    'A URI may not begin or end with white space': 'Eine Adresse darf nicht mit Leerraum beginnen oder enden',
    'The size differs from the length of the data': 'Die Größe stimmt nicht mit den Daten überein',
    'The period ends before it starts': 'Der Zeitraum endet, bevor er beginnt',
    'The code system must be an absolute URI': 'Das Codesystem muss eine vollständige Adresse sein',
    'The code system is the URL of a value set': 'Als Codesystem ist eine Wertemenge angegeben',
    'A code without a system means nothing to another system': 'Ein Code ohne System sagt einem anderen Programm nichts',
    'An extension has either a value or extensions, not both or neither': 'Eine Erweiterung hat weder Wert noch Erweiterungen, oder beides',
    'The URL of an extension must be absolute': 'Die Adresse einer Erweiterung muss vollständig sein',
    'A unit code needs its system': 'Zum Code der Einheit fehlt das System',
    'The system of an identifier must be an absolute URI': 'Das System eines Kennzeichens muss eine vollständige Adresse sein',
    'An id has 1 to 64 letters, digits, hyphens or dots': 'Eine Kennung hat 1 bis 64 Buchstaben, Ziffern, Striche oder Punkte',
    'An element id may not hold white space': 'Eine Kennung darf keinen Leerraum enthalten',
    'Text that looks like HTML; it is shown as plain text': 'Text, der wie HTML aussieht; er wird als einfacher Text gezeigt',
    'An array may not be empty': 'Eine Liste darf nicht leer sein',
    'An array inside an array': 'Eine Liste in einer Liste',
    'A contained resource that nothing refers to': 'Etwas Enthaltenes, auf das nichts verweist',
    'A contained resource needs an id': 'Etwas Enthaltenes braucht eine Kennung',
    'The resource could not be examined to its end': 'Der Eintrag konnte nicht bis zum Ende geprüft werden',
    'Not a resource: there is no resourceType': 'Kein FHIR-Eintrag: Die Art fehlt',
    'A resourceType that FHIR R4 does not have': 'Eine Art, die es in FHIR R4 nicht gibt',
    'Expected null value': 'Hier sollte nichts stehen',
    'Incorrect number of values provided': 'Es stehen zu viele oder zu wenige Werte da',
  },
}

/** In German what is unknown is said in general; the place in the record, which stands beside it, says the rest. */
const OTHERWISE: Readonly<Record<Exclude<Locale, 'en'>, string>> = { de: 'Eine Angabe hat nicht die Form, die der Standard verlangt' }

export const issueText = (locale: Locale, text: string): string => (locale === 'en' ? text : (ISSUES[locale][text] ?? OTHERWISE[locale]))
