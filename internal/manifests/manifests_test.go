// Package manifests checks the Kubernetes manifests of the documentation by the types
// of the API. It is a module of its own, since those types are large.
package manifests

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strict "sigs.k8s.io/yaml"
)

// kinds are the types of the objects that the manifest has.
func kinds(kind metav1.TypeMeta) any {
	switch kind.APIVersion + "/" + kind.Kind {
	case "apps/v1/Deployment":
		return &appsv1.Deployment{}
	case "v1/Service":
		return &corev1.Service{}
	case "policy/v1/PodDisruptionBudget":
		return &policyv1.PodDisruptionBudget{}
	}
	return nil
}

// read decodes each document of a manifest, and fails if its type lacks a field.
func read(text []byte) (objects []any, err error) {
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		var kind metav1.TypeMeta
		if err := strict.Unmarshal(document, &kind); err != nil {
			return nil, err
		}
		object := kinds(kind)
		if object == nil {
			return nil, errors.New("an unknown kind: " + kind.APIVersion + "/" + kind.Kind)
		}
		if err := strict.UnmarshalStrict(document, object); err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

func TestTheManifestOfShortly(t *testing.T) {
	text, err := os.ReadFile("../../docs/kubernetes/shortly.yaml")
	require.NoError(t, err)
	objects, err := read(text)
	require.NoError(t, err)
	require.Len(t, objects, 3)
	deployment := objects[0].(*appsv1.Deployment)
	service := objects[1].(*corev1.Service)
	budget := objects[2].(*policyv1.PodDisruptionBudget)

	pod := deployment.Spec.Template
	require.Equal(t, deployment.Spec.Selector.MatchLabels, pod.Labels)
	require.Equal(t, service.Spec.Selector, pod.Labels)
	require.Equal(t, budget.Spec.Selector.MatchLabels, pod.Labels)
	require.Zero(t, deployment.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue(), "a roll-out takes no instance away before another one is ready")

	container := pod.Spec.Containers[0]
	require.Equal(t, service.Spec.Ports[0].TargetPort.String(), container.Ports[0].Name)
	for path, probe := range map[string]*corev1.Probe{"/-/health": container.LivenessProbe, "/-/ready": container.ReadinessProbe} {
		require.Equal(t, path, probe.HTTPGet.Path)
		require.Equal(t, container.Ports[0].Name, probe.HTTPGet.Port.String())
	}

	// The instance keeps serving until its probe has failed, and then has time to drain.
	flags := map[string]string{}
	for i := 0; i+1 < len(container.Args); i += 2 {
		flags[container.Args[i]] = container.Args[i+1]
	}
	delay, err := time.ParseDuration(flags["-drain-delay"])
	require.NoError(t, err)
	ready := container.ReadinessProbe
	require.Greater(t, delay, time.Duration(ready.PeriodSeconds*ready.FailureThreshold)*time.Second)
	const drain = 30 * time.Second // Options.DrainTimeout
	require.Greater(t, time.Duration(*pod.Spec.TerminationGracePeriodSeconds)*time.Second, delay+drain)
}

func TestWhatIsNotAManifest(t *testing.T) {
	for name, text := range map[string]string{
		"a field that is not there": "apiVersion: v1\nkind: Service\nspec: {selectors: {app: shortly}}\n",
		"a value of another type":   "apiVersion: v1\nkind: Service\nspec: {ports: [{port: http}]}\n",
		"a field that comes twice":  "apiVersion: v1\nkind: Service\nkind: Service\n",
		"an unknown kind":           "apiVersion: v2\nkind: Service\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read([]byte(text))
			require.Error(t, err)
		})
	}
}
