/** True for a text with a URL that has a user name, or a password, in front of its host. */
export function hasLogin(text: string): boolean {
  return /[a-z][a-z0-9+.-]*:\/\/[^/?#\s]*@/i.test(text);
}
