// Command zstd compresses standard input to standard output, for the layers of the lab's images:
// Node.js 20 has no zstd, and gzip's decompression would double the time of their import.
package main

import (
	"io"
	"log"
	"os"

	"github.com/klauspost/compress/zstd"
)

func main() {
	encoder, err := zstd.NewWriter(os.Stdout, zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := io.Copy(encoder, os.Stdin); err != nil {
		log.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		log.Fatal(err)
	}
}
