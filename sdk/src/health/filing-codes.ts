/**
 * Which codes make a record sensitive, and in what way. Data only.
 *
 * Sources. The four kinds are HL7's sensitivity policies (v3-ActCode, value set ActInformationSensitivityPolicy: PSY/MH/BH, SEX/HIV/STD/SDV,
 * ETH/SUD, GDIS/SCA); what belongs to them follows 42 CFR Part 2 (substance use), the usual state rules on HIV and reproductive health, and GINA
 * (genetics). ICD-10 by its own chapters and blocks (WHO; the CM additions by CDC/NCHS). ATC by WHO Collaborating Centre groups. LOINC © Regenstrief
 * Institute (loinc.org/license). SNOMED CT identifiers are of the Global Patient Set, © SNOMED International, CC BY 4.0: the general concepts only, since
 * the set carries no hierarchy; specialised ones are caught by their display.
 * RxNorm: ingredient concepts (NLM, public); products are caught by the ingredient in their display.
 */

export type SensitiveCompartment = 'mental-health' | 'sexual-health' | 'substance-use' | 'genomics'

/** Strictest law first: it decides when a record matches more than one. */
export const SENSITIVE: readonly SensitiveCompartment[] = ['substance-use', 'sexual-health', 'mental-health', 'genomics']

/** HL7 security labels (http://terminology.hl7.org/CodeSystem/v3-ActCode). */
export const LABELS: Readonly<Record<SensitiveCompartment, readonly string[]>> = {
  'substance-use': ['ETH', 'SUD', 'ETHUD', 'OPIOIDUD'],
  'sexual-health': ['HIV', 'STD', 'SEX', 'SDV', 'MST', 'GENDER'],
  'mental-health': ['PSY', 'PSYTHPN', 'BH', 'MH', 'EMOTDIS', 'COGN', 'DVD'],
  genomics: ['GDIS', 'SCA', 'SICKLE'],
}

/** ICD-10 and ICD-10-CM, matched against the code without its dot. Blocks are written as regular expressions. */
export const ICD10: Readonly<Record<SensitiveCompartment, RegExp>> = {
  // F10–F19 without F17 (nicotine); alcoholic liver, gastritis, myopathy, polyneuropathy; poisoning by narcotics; counselling and screening.
  'substance-use':
    /^(F1[0-689]|K70|K292|K860|G312|G621|G721|I426|E244|E512|O354|O355|P043|P044|P961|T40[0-9]|T51|X42|X45|X62|X65|Y15|Z714|Z715|Z721$|Z722|Z811|Z813|Z8641|R780|R781)/,
  // STI A50–A64, HIV B20–B24 and its tests, contact and counselling; sexual disorders F52, F64–F66; abortive outcome O00–O08; infertility; contraception; sexual violence.
  'sexual-health':
    /^(A5\d|A6[0-4]|B2[0-4]|B977|B9735|F52|F6[456]|N46|N48[34]|N52|N97|N941|O0[0-8]|O98[1237]|R75|Z113|Z114|Z1151|Z202|Z206|Z21|Z30|Z31[^5]|Z32|Z332|Z640|Z70|Z717|Z725[123]|Z877[^0-9]*$|Z8741|Y05|T742|T762|Z044)/,
  // The rest of chapter V, dementia included; suicidal ideation, self-harm, psychiatric screening and history.
  'mental-health':
    /^(F0[1-9]|F[2-4]\d|F5[0134569]|F6[0-3]|F6[89]|F[7-9]\d|G30|G31[08]|R44[0-3]|R45[^0]|T1491|X6[0-46-9]|X7\d|X8[0-4]|Z046|Z133|Z504|Z818|Z8651|Z9151|Z915$)/,
  // Chromosomal abnormalities, susceptibility and carrier status, and the monogenic diseases that a test names.
  genomics: /^(Q9\d|Z1[45]|Z137|Z315|Z810|Z8481|D56|D57|D66|D67|D6851|E70[01]|E84|G10|G71[01]|Q78[0]|Q874|Q851|E7525)/,
}

/** ATC groups, matched from the front. */
export const ATC: Readonly<Record<SensitiveCompartment, RegExp>> = {
  'substance-use': /^N07BB|^N07BC/,
  'sexual-health': /^G02AD|^G02B|^G03A|^G03X[BC]|^G04BE|^J05A[EGJ]|^J05AF0[1-7]|^J05AR|^J05AX0[79]/,
  'mental-health': /^N05A|^N05B|^N06A|^N06B|^N06C|^N06D/,
  genomics: /^$/,
}

const set = (codes: string): ReadonlySet<string> => new Set(codes.trim().split(/\s+/))

export const LOINC: Readonly<Record<SensitiveCompartment, ReadonlySet<string>>> = {
  // AUDIT-C and its items, drinks a day, TAPS, ethanol and drug screens, substance abuse service attachment.
  'substance-use': set(`75626-2 75624-7 72109-2 72110-0 74013-4 68518-0 68519-8 68520-6 80439-3 96841-2 96842-0 96843-8 18823-5 65750-2
    5643-2 5644-0 5640-8 3397-7 3426-4 3879-4 3349-8 3390-2 3773-9 3377-9 19659-2 82667-7 82666-9 11343-1`),
  // HIV antibody, antigen, viral load; syphilis; chlamydia and gonorrhoea by NAAT; HPV; HSV-2; pregnancy tests; abortions; orientation and identity.
  'sexual-health':
    set(`7917-8 7918-6 56888-1 75622-1 68961-2 25836-8 20447-9 29893-5 30361-0 5221-7 5220-9 14092-1 31201-7 48345-3 47245-6 74264-3     20507-0 20508-8 22461-8 5292-8 24312-1 5393-4 5394-2 43304-5 21613-5 6349-5 43305-2 24111-7 21415-5 36902-5 53925-4 30167-1 59420-0 21440-3
    5210-0 43180-9 2106-3 2118-8 2110-5 19080-1 21198-7 52027-0 11612-9 11613-7 11614-5 76690-7 76691-5 8691-8`),
  // PHQ-2, PHQ-9, GAD-7, Edinburgh, suicide risk, psychiatric and psychological documents.
  'mental-health':
    set(`44249-1 44261-6 44250-9 44251-7 44252-5 44253-3 44254-1 44255-8 44256-6 44257-4 44258-2 44259-0 44260-8 55757-9 55758-7 69722-7
    69737-5 70274-6 70273-8 89204-2 71354-5 73831-0 73832-8 94023-9 93373-9 11527-9 11497-5 11510-5 11518-8 18594-2 18738-5 28627-8 28628-6 28635-1 34102-4
    34785-6 34786-4 34787-2 34788-0 34790-6 34791-4 34792-2 34793-0 34864-9 34865-6 34866-4 34904-3 57143-0 57157-0 57158-8 59259-2 68599-0 68601-4
    68641-0 68642-8 68644-4 68645-1 68646-9 68647-7 68648-5 68649-3 74187-6 74192-6 38969-2`),
  // HL7 genetic reporting (variant, gene, change, significance), pharmacogenetics, cytogenetics, clinical genetics documents.
  genomics:
    set(`51969-4 51965-2 55228-1 55233-1 55207-5 81247-9 81252-9 81250-3 69548-6 48018-6 48004-6 48005-3 48013-7 48019-4 53034-5 53037-8 51958-7
    81290-9 81291-7 79716-7 82939-0 69547-8 48002-0 29770-5 62356-1 68650-1 68651-9 68652-7 68653-5 68655-0 68656-8 68657-6 68658-4 68659-2 68660-0
    68661-8 68662-6 21636-6 21637-4 50398-7`),
}

export const SNOMED: Readonly<Record<SensitiveCompartment, ReadonlySet<string>>> = {
  // abuse and dependence by substance, alcoholism, withdrawal, rehabilitation, screening and counselling
  'substance-use':
    set(`7200002 66214007 15167005 26416006 191816009 2403008 11387009 5602001 75544000 191819002 31956009 78267003 85005007 37344009
    84758004 21647008 191480000 24165007 408934002 408947007 171208001 445273005 441527004 `),
  // HIV, syphilis, gonorrhoea, chlamydia, herpes and their tests; abortion, contraception, infertility, sexual function and violence
  'sexual-health': set(`86406008 62479008 165816005 31676001 76272004 15628003 240589008 105629000 310861008 165829005 269828009 8098009
    10383002 714812005 386394001 19169002 17369002 79586000 169553002 301807007 65200003 46706006 68254000 6738008 15296000 397803000
    248110007 `),
  // depression, anxiety, bipolar, schizophrenia, PTSD, ADHD, autism, dementia, eating and personality disorders, suicide, psychiatric care
  'mental-health':
    set(`35489007 370143000 36923009 66344007 48694002 197480006 21897009 371631005 13746004 58214004 69322001 47505003 406506008 408856003
    52448006 26929004 429998004 72366004 56882008 78004001 33449004 20010003 191736004 6471006 82313006 225457007 401206008 74732009 413307004 171207006
    75516001 183524004 10197000 68890003 48500005 58703003 17226007 247824007`),
  // genetic tests and counselling, chromosomal disorders, monogenic diseases, carrier states
  genomics:
    set(`405824009 405825005 79841006 702597001 312948004 444309000 41040004 190905008 58756001 127040003 417357006 16402000 40108008 65959000
    307091009 90935002 73297009 7573000 443529005 74345006 403759001`),
}

/** RxNorm ingredients. */
export const RXNORM: Readonly<Record<SensitiveCompartment, ReadonlySet<string>>> = {
  // naltrexone, buprenorphine, disulfiram, acamprosate
  'substance-use': set('7243 1819 3554 82819'),
  // tenofovir disoproxil, emtricitabine, dolutegravir, mifepristone, sildenafil, levonorgestrel, medroxyprogesterone
  'sexual-health': set('322248 276237 1433868 6916 136411 6373 6691'),
  // sertraline, fluoxetine, citalopram, escitalopram, paroxetine, venlafaxine, duloxetine, mirtazapine, lithium, quetiapine, olanzapine, risperidone, aripiprazole, haloperidol, clozapine, methylphenidate
  'mental-health': set('36437 4493 2556 321988 32937 39786 72625 15996 6448 51272 61381 35636 89013 5093 2626 6901'),
  genomics: set(''),
}

/**
 * Names, for codes that no list has: word stems that hold across European languages, matched in displays and texts of codes (never in narrative).
 * They prefer a false alarm, which the patient sees and can undo, to a leak, which nobody can.
 */
export const WORDS: Readonly<Record<SensitiveCompartment, RegExp>> = {
  'substance-use':
    /\b(alcoholi(sm|c\b)|alkoholism|alcoolism|(alcohol|alkohol|opioid|opiate|cocaine|heroin|cannabis|amphetamine|drug|substance|polysubstance|sedative)s? ?-?(use disorder|abuse|misuse|dependen|addict|withdrawal|intoxication|rehab|detox|missbrauch|abhängig|counsel|screening)|(abuse|misuse|dependence|addiction|withdrawal|abus|dépendance|abuso|dependencia) (of |to |on |from |de |à |d')?(alcohol|alcool|drug|droga|opioid|heroin|cocaine|substance)|delirium tremens|methadone|méthadone|metadona|buprenorphine|naltrexone|disulfiram|acamprosate|drugs? of abuse|AUDIT-C)/i,
  'sexual-health':
    /\b(HIV|VIH|AIDS|SIDA)\b|human immunodeficiency|immunschwächevirus|inmunodeficiencia humana|syphili|sífilis|gonorrh|gonococ|gonokokk|gonorrea|chlamydia trach|chlamydial|genital (herpes|wart)|herpes genital|anogenital|trichomon|sexually.transmitted|venereal|\b(induced|therapeutic|elective|legal|medical) abortion|termination of pregnancy|schwangerschaftsabbruch|interruption de grossesse|abortion|miscarriage|contracepti|kontrazep|anticoncep|intrauterine (device|system)|erectile|infertil|gender (dysphoria|identity|reassign)|transsexual|sexual (assault|abuse|dysfunction|orientation|behavio)|\brape\b|in vitro fertili|mifepristone|emtricitabine|dolutegravir|tenofovir|efavirenz|raltegravir|bictegravir|norethindrone|ethinyl estradiol|levonorgestrel|etonogestrel|28 day pack|pre-exposure prophylaxis/i,
  'mental-health':
    /\b(depressive|depression (screen|severity|disorder)|major depress|(postpartum|recurrent|severe|moderate|mild|bipolar) depress|dépressi|depressi(on|ón)\b|depresión|bipolar|schizo(phren|affect|phrén|typ)|esquizofren|psychos[ei]s|psychotic|anxiety|angststörung|anxiété|ansiedad|panic (attack|disorder)|post.?traumatic stress|PTSD|obsessive.compulsive|suicid|self.?harm|psychiatr|psychother|mental (health|disorder)|autis[mt]|attention deficit|ADHD|anorexia nervosa|bulimi|eating disorder|personality disorder|dementia|demenz|démence|dementie|alzheimer|electroconvulsive|cognitive behavio|PHQ-?[29]|GAD-?[27]|sertraline|fluoxetine|citalopram|paroxetine|venlafaxine|duloxetine|mirtazapine|lithium carbonate|quetiapine|olanzapine|risperidone|aripiprazole|haloperidol|clozapine|methylphenidate|donepezil|memantine)/i,
  genomics:
    /\b(genetic (test|analysis|variant|counsel|disease|screen|suscept)|pharmacogen|genotyp|karyotyp|cytogenetic|exome|whole genome|genome sequenc|BRCA ?[12]?|gene mutation|gene (studied|panel)|DNA change|chromosom|aneuploid|trisomy|cystic fibrosis|huntington|sickle.?cell|factor v leiden|lynch syndrome|down.?s? syndrome|CYP[0-9][A-Z][0-9]+|carrier (status|screen))/i,
}
