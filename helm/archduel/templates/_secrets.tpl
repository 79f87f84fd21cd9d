{{/* Names of the secrets, given or made here. */}}
{{- define "archduel.adminSecret" -}}
{{- default (printf "%s-admin" (include "archduel.fullname" .)) .Values.api.adminToken.existingSecret -}}
{{- end -}}

{{- define "archduel.adminKey" -}}
{{- .Values.api.adminToken.existingSecret | empty | ternary "token" .Values.api.adminToken.key -}}
{{- end -}}

{{- define "archduel.raySecret" -}}
{{- default (printf "%s-ray-token" (include "archduel.fullname" .)) .Values.ray.token.existingSecret -}}
{{- end -}}

{{- define "archduel.databaseSecret" -}}
{{- default (printf "%s-postgresql" (include "archduel.fullname" .)) .Values.database.existingSecret -}}
{{- end -}}

{{- define "archduel.databaseKey" -}}
{{- .Values.database.existingSecret | empty | ternary "password" .Values.database.passwordKey -}}
{{- end -}}

{{- define "archduel.s3Secret" -}}
{{- default (printf "%s-s3" (include "archduel.fullname" .)) .Values.s3.existingSecret -}}
{{- end -}}

{{- define "archduel.s3AccessKey" -}}
{{- .Values.s3.existingSecret | empty | ternary "accessKey" .Values.s3.accessKeyKey -}}
{{- end -}}

{{- define "archduel.s3SecretKey" -}}
{{- .Values.s3.existingSecret | empty | ternary "secretKey" .Values.s3.secretKeyKey -}}
{{- end -}}

{{/* A Secret whose values are drawn once: what the cluster already holds is kept.
     (list root name component (dict key length)). */}}
{{- define "archduel.generatedSecret" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $there := (lookup "v1" "Secret" $root.Release.Namespace $name).data | default dict -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ $name }}
  labels:
    {{- include "archduel.labels" (list $root (index . 2)) | nindent 4 }}
  {{- include "archduel.annotations" (list $root (dict "helm.sh/resource-policy" "keep")) | nindent 2 }}
type: Opaque
data:
  {{- range $key, $length := index . 3 }}
  {{ $key }}: {{ get $there $key | default (randAlphaNum (int $length) | b64enc) }}
  {{- end }}
{{- end -}}
