// Command hello stands in for the sample image ghcr.io/knative/helloworld-go and answers as it does:
// "Hello ${TARGET}!" and a newline, on ${PORT}.
package main

import (
	"cmp"
	"fmt"
	"log"
	"net/http"
	"os"
)

func main() {
	target := cmp.Or(os.Getenv("TARGET"), "World")
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "Hello %s!\n", target)
	})
	log.Fatal(http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "8080"), nil))
}
