package inspect

import (
	"bytes"
	"go/types"
	"io"
	"reflect"
	"strings"
)

// A strings.Builder or bytes.Buffer that an interpreted function has declared is one of this process. Its
// methods are called in the order of the program, since Go defines the order of calls. It is not copied:
// a copied builder panics, and a copied buffer may share its bytes.

var builtTypes = map[string]bool{"strings.Builder": true, "bytes.Buffer": true}

// builder is a variable of one of builtTypes.
type builder struct {
	writer interface {
		io.Writer
		io.StringWriter
		io.ByteWriter
		WriteRune(r rune) (int, error)
		String() string
		Len() int
		Reset()
	}
	made   int  // when, as [run.made] counts
	stored bool // in a variable
}

func (c *caller) newBuilder(name string) operand {
	c.run.made++
	b := &builder{writer: new(strings.Builder), made: c.run.made}
	if name == "bytes.Buffer" {
		b.writer = new(bytes.Buffer)
	}
	return operand{typ: name, builder: b}
}

// stored is a new builder that is kept in a variable. It is refused if another variable has it.
func (o operand) stored() (operand, error) {
	if isPointerName(o.typ) {
		return o, nil
	}
	if o.builder.stored {
		return o, unknown("a copy of a %s is not known here", o.typ)
	}
	o.builder.stored = true
	return o, nil
}

// zero is the value of a variable that is declared without one.
func (a *activation) zero(t types.Type) (operand, error) {
	if name := typeString(t); builtTypes[name] {
		return a.newBuilder(name), nil
	}
	return zeroValue(t)
}

// builderMethod calls a method of a builder.
func (c *caller) builderMethod(o operand, name string, args []operand) (operand, error) {
	b := o.builder
	number := func(n int) operand { return operand{typ: "int", native: reflect.ValueOf(n)} }
	switch {
	case name == "String" && len(args) == 0:
		return operand{typ: "string", native: reflect.ValueOf(b.writer.String())}, nil
	case name == "Len" && len(args) == 0:
		return number(b.writer.Len()), nil
	}
	if err := c.run.changeable(b.made); err != nil {
		return o, err
	}
	if name == "Reset" && len(args) == 0 {
		b.writer.Reset()
		return operand{nothing: true}, nil
	}
	if len(args) != 1 {
		return o, errUnknownFunction(name)
	}
	none := operand{null: true}
	switch name {
	case "WriteString":
		s, err := c.argument(args[0], basicTypes["string"])
		if err != nil {
			return o, err
		}
		return c.written(b, s.String())
	case "WriteByte":
		v, err := c.argument(args[0], basicTypes["uint8"])
		if err != nil {
			return o, err
		}
		_, err = c.written(b, string([]byte{byte(v.Uint())}))
		return none, err
	case "WriteRune":
		v, err := c.argument(args[0], basicTypes["int32"])
		if err != nil {
			return o, err
		}
		n, err := b.writer.WriteRune(rune(v.Int()))
		if err == nil && b.writer.Len() > maxOperand {
			err = unknown("the text is too long")
		}
		return operand{list: []operand{number(n), none}}, err
	case "Write":
		items, err := c.itemsOf(args[0])
		if err != nil {
			return o, err
		}
		text, err := bytesOf(items)
		if err != nil {
			return o, err
		}
		return c.written(b, text)
	case "Grow":
		if n, ok := args[0].integer(); ok && n >= 0 && n <= 1<<30 {
			return operand{nothing: true}, nil // the capacity is not shown
		}
	}
	return o, errUnknownFunction(name)
}

// written adds a text to a builder.
func (c *caller) written(b *builder, text string) (operand, error) {
	if err := c.run.changeable(b.made); err != nil {
		return operand{}, err
	}
	if b.writer.Len()+len(text) > maxOperand {
		return operand{}, unknown("the text is too long")
	}
	n, err := b.writer.WriteString(text)
	return operand{list: []operand{{typ: "int", native: reflect.ValueOf(n)}, {null: true}}}, err
}

// printed calls a function that writes to a builder: fmt.Fprint and its like, and io.WriteString.
func (c *caller) printed(name string, args []operand) (operand, error) {
	if len(args) == 0 || args[0].builder == nil || !isPointerName(args[0].typ) {
		return operand{}, unknown("%s writes to something that is not known here", name)
	}
	if name == "io.WriteString" {
		return c.builderMethod(args[0], "WriteString", args[1:])
	}
	known := strings.Replace(name, "fmt.F", "fmt.S", 1)
	text, err := c.native(known, reflect.ValueOf(knownFunctions[known]), args[1:])
	if err != nil {
		return text, err
	}
	return c.written(args[0].builder, text.native.String())
}

// printers are the functions that write to a builder.
var printers = map[string]bool{"fmt.Fprint": true, "fmt.Fprintf": true, "fmt.Fprintln": true, "io.WriteString": true}
