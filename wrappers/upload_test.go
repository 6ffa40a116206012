package wrappers_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/zeugkit/zeug/datastructures"
	"github.com/zeugkit/zeug/httperror"
	"github.com/zeugkit/zeug/wrappers"
)

// upload is a form of files, each with a name and a content.
func upload(t testing.TB, files ...[2]string) *http.Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	require.NoError(t, w.WriteField("a", "1"))
	for i, file := range files {
		f, err := w.CreateFormFile(fmt.Sprint("f", i), file[0])
		require.NoError(t, err)
		_, err = io.WriteString(f, file[1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	r := httptest.NewRequest("POST", "/", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

// temporaries puts temporary files into a directory of the test, and returns a
// function that counts them.
func temporaries(t *testing.T) func() int {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	return func() int {
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		return len(entries)
	}
}

func TestSmallFilesStayInMemoryLargeOnesDoNot(t *testing.T) {
	count := temporaries(t)
	large := strings.Repeat("large\r\n", 100_000)
	medium := strings.Repeat("m", 400_000)
	req := wrappers.NewRequest(upload(t, [2]string{"s.txt", "small"}, [2]string{"m.txt", medium}, [2]string{"l.txt", large}, [2]string{"m2.txt", medium}, [2]string{"e.txt", ""}))
	require.Equal(t, []string{"a=1", "f0:s.txt=small", "f1:m.txt=" + medium, "f2:l.txt=" + large, "f3:m2.txt=" + medium, "f4:e.txt="}, described(t, req))
	require.Equal(t, 2, count(), "the share of memory is for all files together")

	for i, want := range []string{"small", medium, large, medium, ""} {
		file, header, err := req.FormFile(fmt.Sprint("f", i))
		require.NoError(t, err)
		content, err := io.ReadAll(file)
		require.NoError(t, err)
		require.Equal(t, want, string(content))
		require.EqualValues(t, len(want), header.Size)
		require.Equal(t, "application/octet-stream", header.Header.Get("Content-Type"))
	}
	require.NoError(t, req.Close())
	require.Zero(t, count())
	require.NoError(t, req.Close(), "a second time")
}

func TestNothingIsKeptInMemoryWhereNothingShallBe(t *testing.T) {
	count := temporaries(t)
	req := wrappers.NewRequest(upload(t, [2]string{"s", "ss"}, [2]string{"e", ""}, [2]string{"t", "tt"}))
	req.Configure(wrappers.Settings{FileMemory: 1})
	require.Equal(t, []string{"a=1", "f0:s=ss", "f1:e=", "f2:t=tt"}, described(t, req))
	require.Equal(t, 2, count())
	require.NoError(t, req.Close())
	require.Zero(t, count())
}

func TestEverythingIsKeptInMemoryWithoutALimit(t *testing.T) {
	count := temporaries(t)
	req := wrappers.NewRequest(upload(t, [2]string{"s", strings.Repeat("s", 1_000_000)}))
	req.Configure(wrappers.Settings{FileMemory: -1})
	files, err := req.Files()
	require.NoError(t, err)
	require.Equal(t, 1, files.Len())
	require.Zero(t, count())
}

func TestManyFilesInMemory(t *testing.T) {
	files := make([][2]string, 1500)
	for i := range files {
		files[i] = [2]string{fmt.Sprint(i), fmt.Sprint("content ", i)}
	}
	req := wrappers.NewRequest(upload(t, files...))
	req.Configure(wrappers.Settings{Limits: wrappers.Limits{Parts: -1}})
	uploaded, err := req.Files()
	require.NoError(t, err)
	require.Equal(t, len(files), uploaded.Len())
	content, err := uploaded.Get("f1499").Bytes()
	require.NoError(t, err)
	require.Equal(t, "content 1499", string(content))
}

func TestTemporaryFilesAreAlwaysRemoved(t *testing.T) {
	large := strings.Repeat("large", 200_000)
	for _, c := range []struct {
		name string
		view wrappers.View
	}{
		{"after an answer", func(req *wrappers.Request) (*wrappers.Response, error) {
			_, err := req.Files()
			return wrappers.Text("ok"), err
		}},
		{"after an error", func(req *wrappers.Request) (*wrappers.Response, error) {
			_, err := req.Files()
			return nil, errors.Join(err, httperror.NotFound)
		}},
		{"after a file was left open", func(req *wrappers.Request) (*wrappers.Response, error) {
			files, err := req.Files()
			require.NoError(t, err)
			_, err = files.Get("f0").Open()
			return wrappers.Text("ok"), err
		}},
		{"after net/http removed them", func(req *wrappers.Request) (*wrappers.Response, error) {
			_, err := req.Files()
			require.NoError(t, err)
			require.NoError(t, req.ParseMultipartForm(1))
			return wrappers.Text("ok"), req.MultipartForm.RemoveAll()
		}},
		{"after a view inside", func(req *wrappers.Request) (*wrappers.Response, error) {
			inner := wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				_, err := req.Files()
				return wrappers.Text("ok"), err
			})
			inner.ServeHTTP(httptest.NewRecorder(), req.WithContext(req.Context()))
			files, err := req.Files()
			require.NoError(t, err)
			content, err := files.Get("f0").Bytes()
			require.Equal(t, large, string(content), "the view around it still has them")
			return wrappers.Text("ok"), err
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			count := temporaries(t)
			c.view.ServeHTTP(httptest.NewRecorder(), upload(t, [2]string{"x", large}))
			require.Zero(t, count())
		})
	}

	t.Run("after a panic", func(t *testing.T) {
		count := temporaries(t)
		require.Panics(t, func() {
			wrappers.View(func(req *wrappers.Request) (*wrappers.Response, error) {
				_, err := req.Files()
				require.NoError(t, err)
				panic("view")
			}).ServeHTTP(httptest.NewRecorder(), upload(t, [2]string{"x", large}))
		})
		require.Zero(t, count())
	})
	t.Run("after a form that breaks off", func(t *testing.T) {
		count := temporaries(t)
		r := upload(t, [2]string{"x", large}, [2]string{"y", large})
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		r.Body = io.NopCloser(bytes.NewReader(body[:len(body)-10]))
		_, err = wrappers.NewRequest(r).Files()
		require.Equal(t, httperror.BadRequest, code(t, err))
		require.Zero(t, count())
	})
	t.Run("after a limit", func(t *testing.T) {
		count := temporaries(t)
		req := wrappers.NewRequest(upload(t, [2]string{"x", large}))
		req.Configure(wrappers.Settings{Limits: wrappers.Limits{File: 900_000}})
		_, err := req.Files()
		require.Equal(t, httperror.ContentTooLarge, code(t, err))
		require.Zero(t, count())
	})
	t.Run("without Close, by the garbage collector", func(t *testing.T) {
		count := temporaries(t)
		func() {
			_, err := wrappers.NewRequest(upload(t, [2]string{"x", large})).Files()
			require.NoError(t, err)
			require.Equal(t, 1, count())
		}()
		for range 1000 {
			if runtime.GC(); count() == 0 {
				return
			}
			runtime.Gosched()
		}
		t.Fatal("the file is still there")
	})
}

func TestFileInUseOutlivesItsRequestObject(t *testing.T) {
	temporaries(t)
	large := strings.Repeat("large", 200_000)
	files, err := wrappers.NewRequest(upload(t, [2]string{"x", large})).Files()
	require.NoError(t, err)
	file := files.Get("f0")
	for range 3 {
		runtime.GC()
	}
	content, err := file.Bytes()
	require.NoError(t, err)
	require.Equal(t, large, string(content))
}

func TestDiskThatCannotTakeAFileIsTheServersFault(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "gone"))
	_, err := wrappers.NewRequest(upload(t, [2]string{"x", strings.Repeat("large", 200_000)})).Files()
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.Equal(t, httperror.InternalServerError, httperror.CodeOf(err))
}

func TestSave(t *testing.T) {
	for _, content := range []string{"", "small", strings.Repeat("large", 200_000)} {
		temporaries(t)
		req := wrappers.NewRequest(upload(t, [2]string{"../../etc/pass wd.txt", content}))
		files, err := req.Files()
		require.NoError(t, err)
		file, err := files.Require("f0")
		require.NoError(t, err)
		require.Equal(t, "../../etc/pass wd.txt", file.Name)
		require.Equal(t, "pass_wd.txt", file.SafeName())

		dir := t.TempDir()
		path := filepath.Join(dir, "saved")
		require.NoError(t, file.Save(path))
		saved, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(saved))

		require.NoError(t, os.WriteFile(path, []byte("precious"), 0o600))
		require.NoError(t, os.Chmod(path, 0o640))
		require.ErrorIs(t, file.Save(path), fs.ErrExist)
		saved, err = os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "precious", string(saved))

		link := filepath.Join(dir, "link")
		require.NoError(t, os.Symlink(filepath.Join(dir, "nowhere"), link))
		require.ErrorIs(t, file.Save(link), fs.ErrExist, "not through a dangling link")
		require.NoFileExists(t, filepath.Join(dir, "nowhere"))

		require.NoError(t, file.SaveOver(path))
		saved, err = os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(saved))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o640), info.Mode())

		for _, want := range []string{"pass_wd.txt", "pass_wd-2.txt", "pass_wd-3.txt"} {
			got, err := file.SaveIn(dir)
			require.NoError(t, err)
			require.Equal(t, filepath.Join(dir, want), got)
		}
		entries, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, entries, 5, "and nothing half written")

		require.NoError(t, req.Close())
		if len(content) > 500_000 {
			require.ErrorIs(t, file.Save(filepath.Join(dir, "late")), fs.ErrNotExist, "the request is over")
			require.NoFileExists(t, filepath.Join(dir, "late"))
		}
	}
}

func TestHostileNamesAreKeptAsSentAndMadeSafe(t *testing.T) {
	for _, c := range []struct{ name, safe string }{
		{"../../../etc/passwd", "passwd"},
		{`..\..\boot.ini`, "boot.ini"},
		{`C:\Users\me\x.txt`, "x.txt"},
		{"..", ""},
		{"/", ""},
		{"nul.txt", "_nul.txt"},
		{"日本.txt", "日本.txt"},
		{"a\u202egpj.exe", "agpj.exe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := "--B\r\nContent-Disposition: form-data; name=f; filename=\"" + strings.ReplaceAll(c.name, `\`, `\\`) + "\"\r\n\r\nx\r\n--B--\r\n"
			files, err := post(multipartB, strings.NewReader(body)).Files()
			require.NoError(t, err)
			file := files.Get("f")
			require.Equal(t, c.name, file.Name)
			require.Equal(t, c.safe, file.SafeName())
			dir := t.TempDir()
			path, err := file.SaveIn(dir)
			require.NoError(t, err)
			require.Equal(t, dir, filepath.Dir(path))
		})
	}
}

func TestTheLongestNamesAreNumberedAndReplaced(t *testing.T) {
	for name, want := range map[string]string{
		strings.Repeat("a", 300) + ".txt":     strings.Repeat("a", 249) + "-2.txt",
		strings.Repeat("日", 100) + ".txt":     strings.Repeat("日", 83) + "-2.txt",
		"a." + strings.Repeat("b", 300):       "a." + strings.Repeat("b", 251) + "-2",
		"short." + strings.Repeat("tail", 20): "short." + strings.Repeat("tail", 20) + "-2",
		strings.Repeat("y", 240) + ".b":       strings.Repeat("y", 240) + "-2.b",
	} {
		files, err := wrappers.NewRequest(upload(t, [2]string{name, "x"})).Files()
		require.NoError(t, err)
		file, dir := files.Get("f0"), t.TempDir()
		first, err := file.SaveIn(dir)
		require.NoError(t, err)
		require.Equal(t, file.SafeName(), filepath.Base(first))
		second, err := file.SaveIn(dir)
		require.NoError(t, err)
		require.Equal(t, want, filepath.Base(second))
		require.NoError(t, file.SaveOver(first))
	}
}

func TestRequireNamesTheMissingFile(t *testing.T) {
	body := "--B\r\nContent-Disposition: form-data; name=f; filename=\"\"\r\n\r\n\r\n--B--\r\n"
	files, err := post(multipartB, strings.NewReader(body)).Files()
	require.NoError(t, err)
	require.False(t, files.Get("f").Chosen())
	for _, field := range []string{"f", "g"} {
		_, err = files.Require(field)
		require.Equal(t, httperror.BadRequest, code(t, err))
		require.Contains(t, err.Error(), `"`+field+`"`)
		var missing *datastructures.FieldError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, field, missing.Key)
	}
}

// recorder is a sink that records how it ended.
type recorder struct {
	hash.Hash
	closed int
	failed error
}

func (r *recorder) Close() error { r.closed++; return nil }

func (r *recorder) CloseWithError(err error) error { r.failed = err; return nil }

func TestSinkTakesFiles(t *testing.T) {
	count := temporaries(t)
	large := strings.Repeat("large", 200_000)
	sinks := map[string]*recorder{}
	sink := func(part *wrappers.Part) (io.Writer, error) {
		if part.FileName == "kept.txt" {
			return nil, nil
		}
		sinks[part.Field] = &recorder{Hash: sha256.New()}
		return sinks[part.Field], nil
	}
	req := wrappers.NewRequest(upload(t, [2]string{"x", large}, [2]string{"kept.txt", "small"}))
	req.Configure(wrappers.Settings{Sink: sink})
	files, err := req.Files()
	require.NoError(t, err)
	require.Zero(t, count(), "nothing is kept on the way")
	file := files.Get("f0")
	require.EqualValues(t, len(large), file.Size)
	sum := sha256.Sum256([]byte(large))
	require.Equal(t, hex.EncodeToString(sum[:]), hex.EncodeToString(file.Writer().(hash.Hash).Sum(nil)))
	require.Equal(t, 1, sinks["f0"].closed)
	_, err = file.Open()
	require.ErrorContains(t, err, "f0")
	require.Nil(t, files.Get("f1").Writer())
	content, err := files.Get("f1").Bytes()
	require.NoError(t, err)
	require.Equal(t, "small", string(content))
	require.NoError(t, req.ParseMultipartForm(1<<20))
	require.Contains(t, req.MultipartForm.File, "f1")
	require.NotContains(t, req.MultipartForm.File, "f0", "a plain handler could not open it")
}

func TestSinkLearnsThatAFileBrokeOff(t *testing.T) {
	var last *recorder
	sink := func(*wrappers.Part) (io.Writer, error) { last = &recorder{Hash: sha256.New()}; return last, nil }
	body := "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nhello"
	req := post(multipartB, io.MultiReader(strings.NewReader(body), iotest.ErrReader(io.ErrUnexpectedEOF)))
	req.Configure(wrappers.Settings{Sink: sink})
	_, err := req.Files()
	require.Equal(t, httperror.BadRequest, code(t, err))
	require.ErrorIs(t, last.failed, io.ErrUnexpectedEOF)
	require.Zero(t, last.closed)
}

func TestSinkMayRefuse(t *testing.T) {
	whole := "--B\r\nContent-Disposition: form-data; name=f; filename=x.exe\r\n\r\nhello\r\n--B--"
	refuse := func(part *wrappers.Part) (io.Writer, error) {
		return nil, httperror.New(httperror.UnsupportedMediaType, part.FileName+" is not a picture.")
	}
	req := post(multipartB, strings.NewReader(whole))
	req.Configure(wrappers.Settings{Sink: refuse})
	_, err := req.Files()
	require.Equal(t, httperror.UnsupportedMediaType, code(t, err))

	full := errors.New("disk full")
	req = post(multipartB, strings.NewReader(whole))
	req.Configure(wrappers.Settings{Sink: func(*wrappers.Part) (io.Writer, error) { return failing{full}, nil }})
	_, err = req.Files()
	require.ErrorIs(t, err, full)
	require.Equal(t, httperror.InternalServerError, httperror.CodeOf(err))
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// TestMediaTypeOfAnUploadIsInLowerCase corresponds to Werkzeug's test_mimetype_always_lowercase.
func TestMediaTypeOfAnUploadIsInLowerCase(t *testing.T) {
	for _, c := range []struct{ header, mediaType, charset string }{
		{"Text/CSV", "text/csv", ""},
		{"text/csv; charset=utf-8", "text/csv", "utf-8"},
		{" TEXT/csv ;Charset=\"x y\"", "text/csv", "x y"},
		{"", "", ""},
	} {
		t.Run(c.header, func(t *testing.T) {
			body := "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\nContent-Type: " + c.header + "\r\n\r\nx\r\n--B--\r\n"
			files, err := post(multipartB, strings.NewReader(body)).Files()
			require.NoError(t, err)
			file := files.Get("f")
			require.Equal(t, c.mediaType, file.MediaType())
			require.Equal(t, c.charset, datastructures.ParseOptions(file.Header.Get("Content-Type")).Get("charset"))
			for part, err := range post(multipartB, strings.NewReader(body)).Parts() {
				require.NoError(t, err)
				require.Equal(t, c.mediaType, part.MediaType())
				require.Equal(t, c.charset, datastructures.ParseOptions(part.Header.Get("Content-Type")).Get("charset"))
			}
		})
	}
}

func TestNoContentHasNoBody(t *testing.T) {
	w := httptest.NewRecorder()
	wrappers.NoContent().ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "/", nil))
	require.Equal(t, http.StatusNoContent, w.Code)
	require.Empty(t, w.Body)
	require.Empty(t, w.Header())
}
