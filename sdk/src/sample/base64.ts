/** Standard base64 of an ASCII text; `btoa` exists in Node and browsers alike. */
export const toBase64 = (ascii: string): string => btoa(ascii)
