package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// acceptAlso answers for tokens of a second key, as podinfo does for those of
// its own; podinfo knows one key only and judges every other token.
func acceptAlso(key string, podinfo http.Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		claims, isValid := validClaims(token, key, time.Now())
		if !isBearer || !isValid {
			podinfo.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(map[string]any{
			"token_name": claims.Name,
			"expires_at": time.Unix(claims.ExpiresAt, 0).UTC(),
		})
	}
}

type tokenClaims struct {
	Name      string `json:"name"`
	Issuer    string `json:"iss"`
	ExpiresAt int64  `json:"exp"`
}

// validClaims reads a token that the key signed with HMAC-SHA256 and that
// hasn't expired. No other algorithm is believed, whatever the token says.
func validClaims(token, key string, now time.Time) (claims tokenClaims, isValid bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims, false
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if !decodePart(parts[0], &header) || header.Algorithm != "HS256" {
		return claims, false
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return claims, false
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	if !hmac.Equal(signature, mac.Sum(nil)) || !decodePart(parts[1], &claims) {
		return claims, false
	}
	return claims, claims.Issuer == "podinfo" && now.Before(time.Unix(claims.ExpiresAt, 0))
}

func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}
