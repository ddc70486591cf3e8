/**
 * The key and the certificate of 127.0.0.1, which is its own CA. For tests alone: openssl req -x509 -newkey ed25519 -nodes -days 36500 -addext subjectAltName=IP:127.0.0.1
 */
export const tls = {
  key: pem("PRIVATE KEY", "MC4CAQAwBQYDK2VwBCIEIGxQf+falNoFTvNANzJRkqD2m33fWc20YoZRKpPXQpGv"),
  cert: pem(
    "CERTIFICATE",
    "MIIBRTCB+KADAgECAhQsNA1/uSOYUzDohMvcnl7NoAprbDAFBgMrZXAwDzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExODA5NDRaGA8yMTI2" +
      "MTAyODE4MDk0NFowDzENMAsGA1UEAwwEdGVzdDAqMAUGAytlcAMhAA9DBIdlpQm9+W+5umYpS67aB+Yo8PUNnw1ygE7EOy4eo2QwYjAdBgNV" +
      "HQ4EFgQUiEV80t0o2QJHUsPwmm7H7osw990wHwYDVR0jBBgwFoAUiEV80t0o2QJHUsPwmm7H7osw990wDwYDVR0TAQH/BAUwAwEB/zAPBgNV" +
      "HREECDAGhwR/AAABMAUGAytlcANBAM/03V9BfZ4TW9vFzJUOjoRtmrfs3x/nX438TVQ2VluAQO/Ta916uKxPluyPiqbvfkEv7n+pLHsP77Yp" +
      "NX9QrAE=",
  ),
};

function pem(label: string, der: string): string {
  const lines = (der.match(/.{1,64}/g) ?? []).join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}
