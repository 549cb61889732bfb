package control

import (
	"bytes"
	"encoding/binary"
	"image"

	"github.com/disintegration/imaging"
)

// orientation is the EXIF orientation tag: 1 upright … 8.
type orientation uint16

const upright orientation = 1

// turned applies an orientation, so that the picture is seen as it was taken.
func turned(img image.Image, o orientation) image.Image {
	switch o {
	case 2:
		return imaging.FlipH(img)
	case 3:
		return imaging.Rotate180(img)
	case 4:
		return imaging.FlipV(img)
	case 5:
		return imaging.Transpose(img)
	case 6:
		return imaging.Rotate270(img) // imaging counts against the clock
	case 7:
		return imaging.Transverse(img)
	case 8:
		return imaging.Rotate90(img)
	}
	return img
}

// exifOrientation reads tag 0x0112 from the first directory of an EXIF block,
// which is a TIFF file (Exif 2.32, 4.6.2). Anything odd counts as upright.
func exifOrientation(block []byte) orientation {
	block = bytes.TrimPrefix(block, []byte("Exif\x00\x00"))
	if len(block) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(block[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := uint64(order.Uint32(block[4:]))
	if at+2 > uint64(len(block)) {
		return upright
	}
	count := uint64(order.Uint16(block[at:]))
	for i := range count {
		entry := at + 2 + 12*i
		if entry+12 > uint64(len(block)) {
			break
		}
		e := block[entry : entry+12]
		const orientationTag, short = 0x0112, 3
		if order.Uint16(e) != orientationTag {
			continue
		}
		if o := orientation(order.Uint16(e[8:])); order.Uint16(e[2:]) == short && o >= 1 && o <= 8 {
			return o
		}
		break
	}
	return upright
}

// wholeFile is for TIFF, which is its own EXIF block.
func wholeFile(head []byte) []byte { return head }

// pngExif finds the eXIf chunk (PNG third edition, 11.3.4.5).
func pngExif(head []byte) []byte {
	for at := 8; at+12 <= len(head); {
		n := int64(binary.BigEndian.Uint32(head[at:]))
		kind := string(head[at+4 : at+8])
		end := int64(at) + 12 + n
		if kind == "eXIf" && end <= int64(len(head)) {
			return head[at+8 : at+8+int(n)]
		}
		if kind == "IEND" || end > int64(len(head)) {
			break
		}
		at = int(end)
	}
	return nil
}

// webpExif finds the EXIF chunk of a RIFF file.
func webpExif(head []byte) []byte {
	for at := 12; at+8 <= len(head); {
		n := int64(binary.LittleEndian.Uint32(head[at+4:]))
		end := int64(at) + 8 + n
		if end > int64(len(head)) {
			break
		}
		if string(head[at:at+4]) == "EXIF" {
			return head[at+8 : end]
		}
		at = int(end + n&1)
	}
	return nil
}

// jpegSegments calls f with each marker and its segment until f returns false
// or the picture data begins.
func jpegSegments(head []byte, f func(marker byte, body []byte) bool) {
	for at := 2; at+4 <= len(head) && head[at] == 0xff; {
		marker := head[at+1]
		if marker == 0xff { // fill byte
			at++
			continue
		}
		n := int(binary.BigEndian.Uint16(head[at+2:]))
		const startOfScan = 0xda
		if n < 2 || at+2+n > len(head) || marker == startOfScan {
			return
		}
		if !f(marker, head[at+4:at+2+n]) {
			return
		}
		at += 2 + n
	}
}

// jpegExif finds the APP1 segment that holds EXIF data.
func jpegExif(head []byte) (block []byte) {
	const app1 = 0xe1
	jpegSegments(head, func(marker byte, body []byte) bool {
		if marker == app1 && bytes.HasPrefix(body, []byte("Exif\x00\x00")) {
			block = body
		}
		return block == nil
	})
	return block
}

// jpegIsProgressive reports whether a file has the SOF2 marker.
func jpegIsProgressive(head []byte) (is bool) {
	const sof2 = 0xc2
	jpegSegments(head, func(marker byte, _ []byte) bool {
		is = is || marker == sof2
		return !is
	})
	return is
}

// jpegIsSubsampled reports whether a progressive file's first channel has 2×2
// samples for each one of the others.
func jpegIsSubsampled(head []byte) (is bool) {
	const sof2 = 0xc2
	jpegSegments(head, func(marker byte, body []byte) bool {
		if marker != sof2 {
			return true
		}
		is = len(body) >= 15 && body[7] == 0x22 && body[10] == 0x11 && body[13] == 0x11
		return false
	})
	return is
}
