{{- define "archduel.databaseHost" -}}
{{- .Values.bundled.postgresql.enabled | ternary (printf "%s-postgresql" (include "archduel.fullname" .)) .Values.database.host -}}
{{- end -}}

{{/* libpq reads the password from PGPASSWORD: the URL holds no secret. (list root database). */}}
{{- define "archduel.databaseUrl" -}}
{{- $root := index . 0 -}}
{{- $database := $root.Values.database -}}
{{- $sslmode := $root.Values.bundled.postgresql.enabled | ternary "disable" $database.sslmode -}}
{{- printf "postgresql+psycopg://%s@%s:%d/%s?sslmode=%s" $database.user (include "archduel.databaseHost" $root) (int $database.port) (index . 1) $sslmode -}}
{{- end -}}

{{- define "archduel.databaseEnv" -}}
- name: ARCHDUEL_DATABASE_URL
  value: {{ include "archduel.databaseUrl" (list . .Values.database.name) | quote }}
{{ include "archduel.databasePassword" . }}
{{- end -}}

{{- define "archduel.databasePassword" -}}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "archduel.databaseSecret" . }}
      key: {{ include "archduel.databaseKey" . }}
{{- if .Values.database.caSecret }}
- name: PGSSLROOTCERT
  value: /etc/archduel/database/ca.crt
{{- end }}
{{- end -}}

{{- define "archduel.mlflowDatabaseEnv" -}}
- name: MLFLOW_BACKEND_STORE_URI
  value: {{ include "archduel.databaseUrl" (list . .Values.database.mlflowName) | quote }}
{{- end -}}

{{- define "archduel.s3Endpoint" -}}
{{- .Values.bundled.s3.enabled | ternary (printf "http://%s-s3:8333" (include "archduel.fullname" .)) .Values.s3.endpoint -}}
{{- end -}}

{{- define "archduel.s3Bucket" -}}
{{- default (.Values.bundled.s3.enabled | ternary "archduel" "") .Values.s3.bucket -}}
{{- end -}}

{{/* Where objects of one kind lie: (list root folder). */}}
{{- define "archduel.s3Url" -}}
{{- $root := index . 0 -}}
{{- printf "s3://%s/%s" (include "archduel.s3Bucket" $root) (trimPrefix "/" (printf "%s/%s" $root.Values.s3.prefix (index . 1))) -}}
{{- end -}}

{{- define "archduel.s3Keys" -}}
- name: AWS_DEFAULT_REGION
  value: {{ .Values.s3.region | quote }}
{{- if not .Values.s3.useServiceAccount }}
- name: AWS_ACCESS_KEY_ID
  valueFrom:
    secretKeyRef:
      name: {{ include "archduel.s3Secret" . }}
      key: {{ include "archduel.s3AccessKey" . }}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom:
    secretKeyRef:
      name: {{ include "archduel.s3Secret" . }}
      key: {{ include "archduel.s3SecretKey" . }}
{{- end }}
{{- end -}}

{{- define "archduel.storeEnv" -}}
- name: ARCHDUEL_STORE_URL
  value: {{ include "archduel.s3Url" (list . "store") | quote }}
{{- with include "archduel.s3Endpoint" . }}
- name: ARCHDUEL_S3_ENDPOINT_URL
  value: {{ . | quote }}
{{- end }}
{{ include "archduel.s3Keys" . }}
{{- end -}}

{{- define "archduel.mlflowUrl" -}}
{{- printf "http://%s-mlflow:5000" (include "archduel.fullname" .) -}}
{{- end -}}

{{/* KubeRay sets these two in Ray's own pods. */}}
{{- define "archduel.rayTokenEnv" -}}
- name: RAY_AUTH_MODE
  value: token
- name: RAY_AUTH_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ include "archduel.raySecret" . }}
      key: auth_token
{{- end -}}

{{/* What the API and the drivers must agree on. */}}
{{- define "archduel.serviceEnv" -}}
{{ include "archduel.writableEnv" . }}
- name: ARCHDUEL_HOME
  value: /var/lib/archduel
- name: ARCHDUEL_RAY_ADDRESS
  value: {{ printf "http://%s:8265" (include "archduel.rayHead" .) | quote }}
- name: ARCHDUEL_MLFLOW_URI
  value: {{ include "archduel.mlflowUrl" . | quote }}
- name: ARCHDUEL_LEASE_SECONDS
  value: {{ .Values.api.leaseSeconds | quote }}
- name: ARCHDUEL_WARM_SECONDS
  value: {{ .Values.api.warmSeconds | quote }}
{{ include "archduel.databaseEnv" . }}
{{ include "archduel.storeEnv" . }}
{{- end -}}

{{/* The root is read-only: whatever a library keeps goes to /tmp. */}}
{{- define "archduel.writableEnv" -}}
- name: HOME
  value: /tmp
- name: XDG_CACHE_HOME
  value: /tmp/cache
{{- end -}}

{{- define "archduel.publicUrl" -}}
{{- if .Values.api.publicUrl -}}
{{- .Values.api.publicUrl -}}
{{- else if .Values.ingress.enabled -}}
{{- printf "%s://%s" (.Values.ingress.tlsSecret | empty | ternary "http" "https") .Values.ingress.host -}}
{{- else if .Values.httpRoute.enabled -}}
{{- printf "https://%s" .Values.httpRoute.host -}}
{{- end -}}
{{- end -}}
